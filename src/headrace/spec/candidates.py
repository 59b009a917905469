"""Candidates: kinds of model, each with its search space.

A parameter is either one value, or a (low, high) range that tuning searches: floats on a logarithmic scale, integers uniformly.
"""

from datetime import timedelta
from decimal import Decimal

from headrace.core.units import parse_duration
from headrace.spec.declaration import Declaration, dollars
from headrace.spec.errors import InvalidOption

FloatSpace = float | tuple[float, float]
IntSpace = int | tuple[int, int]
_MAY_BE_ZERO = ("alpha", "reg_lambda", "l2")
_DEEPEST = 100  # River, and what reads a tree, go down by a call a split


class Candidate(Declaration, frozen=True, kw_only=True):
    """A kind of model."""

    @property
    def name(self) -> str:
        """Its name in reports: the class in lower case with underscores."""
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(self).__name__).lstrip("_")

    def space(self) -> dict[str, float | int | tuple[float, float] | tuple[int, int]]:
        """The parameters and what each may be."""
        return {field: getattr(self, field) for field in self.__struct_fields__ if field != "location"}

    def __post_init__(self) -> None:
        super().__post_init__()
        for field, value in self.space().items():
            low = value[0] if isinstance(value, tuple | list) else value
            high = value[1] if isinstance(value, tuple | list) else value
            switched_off = low == high == 0 and field in _MAY_BE_ZERO
            if not (0 < low <= high or switched_off):
                expected = "one positive value, or (low, high) with 0 < low <= high" + ("; 0 for none" if field in _MAY_BE_ZERO else "")
                raise InvalidOption(f"{field} of {type(self).__name__}()", value, expected, location=self.location)


class Baseline(Candidate, frozen=True, kw_only=True):
    """What knowing nothing scores: the class shares, or the mean, of the training rows."""


class Logistic(Candidate, frozen=True, kw_only=True):
    """Logistic regression, for classes. `c` is the inverse strength of the ridge penalty."""

    c: FloatSpace = (1e-3, 10.0)


class Ridge(Candidate, frozen=True, kw_only=True):
    """Linear regression with a ridge penalty `alpha`, for numbers."""

    alpha: FloatSpace = (1e-2, 100.0)


class GradientBoosting(Candidate, frozen=True, kw_only=True):
    """Gradient-boosted trees (LightGBM), for any target; rounds stop early on the validation rows."""

    num_leaves: IntSpace = (15, 127)
    learning_rate: FloatSpace = (0.03, 0.2)
    min_child_samples: IntSpace = (10, 200)
    reg_lambda: FloatSpace = (1e-3, 10.0)
    rounds: IntSpace = 1000


class OnlineLogistic(Candidate, frozen=True, kw_only=True):
    """Logistic regression that learns the training rows once, one by one as their answers became known, for classes.

    By FTRL-Proximal: `learning_rate` is the first rate of each weight, `l2` draws weights to zero.
    """

    learning_rate: FloatSpace = (0.005, 0.2)
    l2: FloatSpace = 1.0


class HoeffdingTree(Candidate, frozen=True, kw_only=True):
    """A tree that grows as rows are learnt, once and one by one as their answers became known, for classes. Needs `headrace[online]`.

    By River: a leaf that saw `grace_period` more rows is split where one split is surely the best, up to a chance of `delta`, or where
    it no longer matters, by `tau`; `max_depth` splits deep at most, which is no more than 100.
    """

    grace_period: IntSpace = 200
    delta: FloatSpace = 1e-7
    tau: FloatSpace = 0.05
    max_depth: IntSpace = 20

    def __post_init__(self) -> None:
        super().__post_init__()
        for field, most in (("delta", 1.0), ("max_depth", _DEEPEST)):
            value = getattr(self, field)
            if (value[1] if isinstance(value, tuple | list) else value) > most:
                raise InvalidOption(f"{field} of HoeffdingTree()", value, f"at most {most:g}", location=self.location)


class Tune(Declaration, frozen=True, kw_only=True):
    """What tuning may use: it stops at the first cap it meets. Caps are per model, shared among its candidates.

    `at_once` is how many trials are chosen before any of them is judged. More of them can be worked side by side where `engine` names a
    cluster; each knows less of the others, here as there. Wherever they are worked, the trials and their results are the same.
    """

    trials: int = 20
    at_once: int = 1
    time: timedelta = timedelta(minutes=2)
    cost_usd: Decimal | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("time", parse_duration(self.time))
        if self.cost_usd is not None:
            amount = dollars(self.cost_usd)
            if amount is None or amount <= 0:
                raise InvalidOption("cost_usd of Tune()", self.cost_usd, "an amount above zero", location=self.location)
            self._set("cost_usd", amount)
        if self.at_once < 1:
            raise InvalidOption("at_once of Tune()", self.at_once, "at least 1", location=self.location)
        if self.trials < 1:
            raise InvalidOption("trials of Tune()", self.trials, "at least 1", location=self.location)


class Outcomes(Declaration, frozen=True, kw_only=True):
    """What each kind of outcome of a yes-or-no decision costs, in any one unit; a gain is negative."""

    false_negative: float
    false_positive: float
    true_positive: float = 0.0
    true_negative: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.false_negative <= self.true_positive or self.false_positive <= self.true_negative:
            raise InvalidOption(
                "the costs of Outcomes()",
                (self.false_negative, self.false_positive),
                "each mistake to cost more than the right answer",
                location=self.location,
            )
