"""Which of several date columns comes first in a row, and which come after it."""

from collections.abc import Sequence

import polars as pl

MOSTLY = 0.95
"""A column comes before another where it is not later in so great a share of the rows that have both."""


def find_first(frame: pl.DataFrame, candidates: Sequence[str]) -> str | None:
    """Return the column that is not later than each other one in 95 % of the rows; None if none is. Of several: the one more surely so."""
    shares = {
        name: min((_share_not_later(frame, name, other) for other in candidates if other != name), default=1.0) for name in candidates
    }
    surest = max(candidates, key=lambda name: shares[name])
    return surest if shares[surest] >= MOSTLY else None


def come_after(frame: pl.DataFrame, time: str, others: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that are not earlier than `time` in 95 % of the rows, and later in some."""
    return tuple(name for name in others if _share_not_later(frame, time, name) >= MOSTLY and (frame[name] > frame[time]).any())


def _share_not_later(frame: pl.DataFrame, first: str, second: str) -> float:
    share = (frame[first] <= frame[second]).mean()
    return share if isinstance(share, float) else 0.0
