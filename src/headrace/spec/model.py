"""Models: one prediction problem each."""

from headrace.expressions import Expr, Udf
from headrace.spec.candidates import Baseline, Candidate, HoeffdingTree, Logistic, OnlineLogistic, Outcomes, Ridge, Tune
from headrace.spec.declaration import NamedDeclaration, check_kind, check_plain_name
from headrace.spec.errors import InvalidOption, SpecError, UnknownName
from headrace.spec.features import Features, Lookup, as_expression
from headrace.spec.gate import Gate, Slices
from headrace.spec.metrics import METRICS, TASKS
from headrace.spec.people import Approve
from headrace.spec.split import ByTime, Split

_KINDS = {
    "features": (Features, "hr.Features(...)"),
    "split": (Split, "hr.split.by_time(...) or hr.split.random(...)"),
    "tune": (Tune, "hr.Tune(...)"),
    "costs": (Outcomes | None, "hr.Outcomes(...)"),
    "approve": (Approve | None, "hr.Approve(...)"),
}
_FOR_CLASSES = (Logistic, OnlineLogistic, HoeffdingTree)


class Model(NamedDeclaration, frozen=True, kw_only=True):
    """One prediction problem.

    Attributes:
        target: an expression over the spine's columns: boolean for yes or no, text for classes, a number for regression. Rows where it is
            null are left out and counted.
        task: `binary`, `multiclass` or `regression`, where the target's type does not say it (classes numbered by integers).
        metric: what candidates are chosen by.
        costs: what mistakes cost; the decision threshold minimises it. Without it the threshold is 0.5.
    """

    features: Features
    target: Expr
    split: Split
    candidates: tuple[Candidate, ...]
    metric: str
    task: str | None = None
    tune: Tune = Tune()
    costs: Outcomes | None = None
    gates: tuple[Gate, ...] = ()
    approve: Approve | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_plain_name("a model's name", self)
        self._check_kinds()
        self._set("target", as_expression(f"the target of model {self.name!r}", self.target, self.location))
        if not any(isinstance(candidate, Baseline) for candidate in self.candidates):
            self._set("candidates", (Baseline(), *self.candidates))
        self._check_metric()
        self._check_candidates()
        self._check_portable()
        if self.target.columns() <= set(self.features.given):
            raise SpecError(
                f"the target of model {self.name!r}, {self.target}, is made of given columns only: whoever asks would know the answer.",
                remedy=f"Take {', '.join(sorted(self.target.columns())) or 'it'} out of given=, or predict what is not known when asked.",
                location=self.location,
            )
        if isinstance(self.split, ByTime) and self.features.spine.time is None:
            raise SpecError(
                f"model {self.name!r} splits by time, but {self.features.spine.name!r} has no time.",
                remedy="Give the table a time=, or use split.random().",
                location=self.location,
            )
        for gate in self.gates:
            if isinstance(gate, Slices) and gate.column not in self.features.given and gate.column not in self.features.values:
                raise UnknownName(
                    "given column or feature",
                    gate.column,
                    (*self.features.given, *self.features.values),
                    where=f"gate.slices of model {self.name!r}: ",
                    location=gate.location,
                )

    def _check_kinds(self) -> None:
        self._set("candidates", tuple(self.candidates))
        self._set("gates", tuple(self.gates))
        for option, (kind, written) in _KINDS.items():
            check_kind(f"{option} of model {self.name!r}", getattr(self, option), kind, written, self.location)
        model, where = f"of model {self.name!r}", self.location
        for candidate in self.candidates:
            check_kind(f"a candidate {model}", candidate, Candidate, "a candidate, such as hr.GradientBoosting()", where)
        for gate in self.gates:
            check_kind(f"a gate {model}", gate, Gate, "a gate, such as hr.gate.beats('champion')", where)

    def _check_metric(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise UnknownName("task", self.task, TASKS, location=self.location)
        if self.metric not in METRICS:
            raise UnknownName("metric", self.metric, METRICS, where=f"model {self.name!r}: ", location=self.location)
        if self.task is not None and self.task not in METRICS[self.metric].tasks:
            fitting = [name for name, kind in METRICS.items() if self.task in kind.tasks]
            raise InvalidOption(
                f"the metric of model {self.name!r}, a {self.task} one,",
                self.metric,
                f"one of {', '.join(fitting)}",
                location=self.location,
            )

    def _check_candidates(self) -> None:
        names = [candidate.name for candidate in self.candidates]
        for name in names:
            if names.count(name) > 1:
                raise SpecError(
                    f"model {self.name!r} lists the candidate {name} twice.",
                    remedy="Widen the search space of one instead.",
                    location=self.location,
                )
        regression = METRICS[self.metric].tasks == ("regression",)
        for candidate in self.candidates:
            if isinstance(candidate, _FOR_CLASSES if regression else Ridge):
                others = "Ridge()" if regression else "Logistic(), or OnlineLogistic(),"
                raise InvalidOption(
                    f"a candidate of model {self.name!r}",
                    type(candidate).__name__,
                    f"{others} for a model judged by {self.metric}",
                    location=candidate.location,
                )

    def _check_portable(self) -> None:
        """A bundle carries no code: what it computes must be sayable in expressions."""
        features = self.features
        asked = () if features.as_of is None else (("as_of", features.as_of),)
        for name, value in (*features.values.items(), *asked):
            for node in _with_lookups(value):
                if isinstance(node, Udf):
                    raise SpecError(
                        f"{name!r} of model {self.name!r} calls the Python function {node.name!r}, which no bundle can carry.",
                        remedy="Compute it in a table with columns= or hr.Derived, and use the column; or say it in expressions.",
                        location=self.location,
                    )


def _with_lookups(value: Expr) -> tuple[Expr, ...]:
    """Return every node of an expression, those inside its lookups too."""
    found: list[Expr] = []
    for node in value.walk():
        found.append(node)
        if isinstance(node, Lookup):
            found += [each for part in node.expressions() for each in part.walk()]
    return tuple(found)
