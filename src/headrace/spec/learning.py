"""Models that go on learning as rows come: which, how often what they learnt becomes a version, and how long answers are waited for."""

from datetime import timedelta

from headrace.core.errors import UserError
from headrace.core.moments import MICROSECOND
from headrace.core.units import parse_duration
from headrace.spec.candidates import HoeffdingTree, OnlineLogistic
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.followed import Followed
from headrace.spec.split import ByTime

BY_EVENT = (OnlineLogistic, HoeffdingTree)
"""The candidates that learn one row after the other."""


class Learning(Followed, frozen=True, kw_only=True):
    """A model goes on learning in `headrace stream`, from its newest trained version whose candidate learns by event.

    Each row that comes into its spine is a question at its `as_of`, and a lesson when its answer is known. What was learnt becomes a
    version of the model, which passes the model's gates or does not.

    Attributes:
        every: how far apart versions are, by the time of the rows, not by the clock: `1d` is at midnight UTC.
        behind: how far the learner stays behind the watermark. Rows that ask about a moment before the one at which they come can be
            asked in time only if it is that far behind.
    """

    every: str | timedelta = "1d"
    behind: str | timedelta = "0s"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("every", self._duration("every", self.every, zero=False))
        self._set("behind", self._duration("behind", self.behind, zero=True))
        self._check_candidates()
        self._check_rows()
        self._check_split()

    @property
    def every_us(self) -> int:
        """How far apart versions are, in microseconds."""
        return parse_duration(self.every) // MICROSECOND

    @property
    def behind_us(self) -> int:
        """How far the learner stays behind the watermark, in microseconds."""
        return parse_duration(self.behind, zero=True) // MICROSECOND

    def _duration(self, name: str, value: str | timedelta, *, zero: bool) -> timedelta:
        try:
            return parse_duration(value, zero=zero)
        except (UserError, TypeError) as error:
            expected = "a duration such as '2h', or '0s'" if zero else "a duration above zero, such as '1d'"
            raise InvalidOption(f"{name}= of Learning({self.model.name})", value, expected, location=self.location) from error

    def _check_candidates(self) -> None:
        if not any(isinstance(each, BY_EVENT) for each in self.model.candidates):
            raise SpecError(
                f"no candidate of the model {self.model.name!r} learns by event.",
                remedy="Add hr.OnlineLogistic() or hr.HoeffdingTree() to its candidates=.",
                location=self.location,
            )

    def _check_rows(self) -> None:
        self.check_streamed("would learn")
        if self.model.features.from_log:
            raise SpecError(
                f"the features of {self.model.name!r} are taken from the log of predictions, which a stream does not read.",
                remedy="Leave out from_log=True, or train it with headrace run only.",
                location=self.location,
            )

    def _check_split(self) -> None:
        if not isinstance(self.model.split, ByTime):
            raise SpecError(
                f"the split of {self.model.name!r} is at random: there is no moment from which on rows were not trained on.",
                remedy="Take split=hr.split.by_time(...).",
                location=self.location,
            )
