"""Models and the project, with the checks that need to see several declarations at once."""

from collections.abc import Iterator, Mapping

from headrace.expressions import Expr
from headrace.spec.candidates import Baseline, Candidate, Logistic, Outcomes, Ridge, Tune
from headrace.spec.declaration import Declaration
from headrace.spec.errors import InvalidOption, NotKnownInTime, SpecError, UnknownName
from headrace.spec.features import Features, Lookup, as_expression
from headrace.spec.gate import Gate, Slices
from headrace.spec.metrics import METRICS, TASKS
from headrace.spec.people import Approve, Person
from headrace.spec.split import ByTime, Split
from headrace.spec.tables import Table


class _Named(Declaration, frozen=True):
    name: str


class Model(_Named, frozen=True, kw_only=True):
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
        _check_plain_name("a model's name", self)
        self._set("target", as_expression(f"the target of model {self.name!r}", self.target, self.location))
        self._set("candidates", tuple(self.candidates))
        self._set("gates", tuple(self.gates))
        if not any(isinstance(candidate, Baseline) for candidate in self.candidates):
            self._set("candidates", (Baseline(), *self.candidates))
        self._check_metric()
        self._check_candidates()
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
            if isinstance(candidate, Logistic if regression else Ridge):
                other = "Ridge" if regression else "Logistic"
                raise InvalidOption(
                    f"a candidate of model {self.name!r}",
                    type(candidate).__name__,
                    f"{other}() for a model judged by {self.metric}",
                    location=candidate.location,
                )


class Project(_Named, frozen=True, kw_only=True):
    """The whole description. Constructing one checks everything that can be checked without reading data."""

    models: tuple[Model, ...]
    team: tuple[Person, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("models", tuple(self.models))
        self._set("team", tuple(self.team))
        _check_plain_name("the project's name", self)
        self._check_names("model", self.models)
        self._check_names("person", self.team)
        self._check_tables()
        for model in self.models:
            check_features(model.features)
            self._check_approval(model)

    def tables(self) -> tuple[Table, ...]:
        """Every table that a model needs, inputs before what is made from them."""
        found: dict[int, Table] = {}
        for model in self.models:
            for table in model.features.tables():
                for each in _with_parents(table):
                    found.setdefault(id(each), each)
        return tuple(found.values())

    def model(self, name: str) -> Model:
        """Return a model by name.

        Raises:
            UnknownName: if there is none.
        """
        for model in self.models:
            if model.name == name:
                return model
        raise UnknownName("model", name, [model.name for model in self.models])

    def _check_names(self, kind: str, named: tuple[Model, ...] | tuple[Person, ...]) -> None:
        seen: dict[str, object] = {}
        for each in named:
            if each.name in seen:
                raise SpecError(f"two {kind}s are called {each.name!r}.", remedy="Rename one.", location=each.location)
            seen[each.name] = each

    def _check_tables(self) -> None:
        seen: dict[str, Table] = {}
        for table in self.tables():
            if table.name in seen:
                raise SpecError(
                    f"two tables are called {table.name!r}.",
                    remedy="Rename one, or declare it once and use the same value.",
                    location=table.location,
                )
            seen[table.name] = table

    def _check_approval(self, model: Model) -> None:
        if model.approve is None:
            return
        able = [person.name for person in self.team if model.approve.role in person.roles]
        if len(able) < model.approve.count:
            raise SpecError(
                f"model {model.name!r} needs {model.approve.count} with the role {model.approve.role!r}; the team has {len(able)}.",
                remedy=f"Add to the project, for example: team=[hr.Person('ana', roles=[{model.approve.role!r}])].",
                location=model.approve.location,
            )


def check_features(features: Features) -> None:
    """Check that features use only what the asker can know.

    Raises:
        NotKnownInTime: for a given column that becomes known after the question, or a spine column that nobody gives.
        SpecError: for a lookup in time without `as_of`, or keys that are pseudonymised on one side only.
    """
    spine, given = features.spine, features.given
    if isinstance(spine.known, Mapping):
        for column in given:
            if column in spine.known:
                raise NotKnownInTime(
                    f"the given column {column!r} of {spine.name!r} becomes known at {spine.known[column]!r}, "
                    "which is after the question is asked.",
                    remedy="Take it out of given=; use hr.window or hr.latest to see its past values.",
                    location=features.location,
                )
    if features.as_of is not None:
        _require_given(features, "as_of", features.as_of.columns())
    for name, value in features.values.items():
        _require_given(features, f"feature {name!r}", value.columns())
    for lookup in features.lookups():
        _check_lookup(features, lookup)


def _require_given(features: Features, user: str, columns: frozenset[str]) -> None:
    for column in sorted(columns - set(features.given)):
        raise NotKnownInTime(
            f"{user} uses the column {column!r} of {features.spine.name!r}, which the asker is not said to supply.",
            remedy="If it is known when the question is asked, add it to given=; else use hr.window or hr.latest. "
            f"Given: {', '.join(features.given) or 'nothing'}.",
            location=features.location,
        )


def _check_lookup(features: Features, lookup: Lookup) -> None:
    _require_given(features, f"the key of {lookup.label()}", frozenset(left for left, _ in lookup.keys))
    if features.as_of is None and lookup.table.row_known is not None:
        raise SpecError(
            f"{lookup.label()} looks into a table with a time, but the features do not say when the question is asked.",
            remedy="Add as_of= to hr.Features.",
            location=features.location,
        )
    for left, right in lookup.keys:
        if (left in features.spine.personal) != (right in lookup.table.personal):
            hidden, plain = (
                (features.spine.name, lookup.table.name) if left in features.spine.personal else (lookup.table.name, features.spine.name)
            )
            raise SpecError(
                f"{lookup.label()} joins a pseudonymised column of {hidden!r} with a plain one of {plain!r}: nothing would match.",
                remedy=f"Declare the column personal in {plain!r} too.",
                location=features.location,
            )


def _check_plain_name(what: str, named: _Named) -> None:
    if not named.name.replace("_", "").replace("-", "").isalnum():
        raise InvalidOption(what, named.name, "letters, digits, - and _", location=named.location)


def _with_parents(table: Table) -> Iterator[Table]:
    for parent in table.parents:
        yield from _with_parents(parent)
    yield table
