"""What a run took from the log of predictions, as it is kept with the model version. Apart from what reads the log: it loads no engine."""

import msgspec

from headrace.core.units import counted

LOG = "log"
"""The part of a step's output, and of a model version's details, that says what was taken from the log."""


class LogFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a run took from the log.

    Attributes:
        version: that of the log.
        rows: of the spine that have their features from it; `served_by` says how many of them each model version answered.
        stale: of those, how many have a value that was null since it was too old when it was served.
        waiting: of those, how many have no answer yet: they are in no part of the split.
        left_out: how many predictions were not taken, by reason.
    """

    version: int
    rows: int
    served_by: dict[str, int]
    stale: int
    waiting: int
    left_out: dict[str, int]

    def __str__(self) -> str:
        by = ", ".join(f"{label}: {count:,}" for label, count in self.served_by.items())
        stale = f", {self.stale:,} with a value that was too old to be served" if self.stale else ""
        waiting = f", {self.waiting:,} without an answer yet" if self.waiting else ""
        took = f" ({by}{stale}{waiting})" if by else ""
        left_out = [f"{counted(count, 'prediction')} {reason}" for reason, count in self.left_out.items()]
        return "; left out: ".join([f"{counted(self.rows, 'row')} from version {self.version} of the log{took}", *_listed(left_out)])


def _listed(parts: list[str]) -> list[str]:
    return [", ".join(parts)] if parts else []
