"""Which keys came before, in few bytes a key."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

_SEEDS = (0x5EED, 0xF00D)


class Hashes(NamedTuple):
    """96 bits of each key: in ten million keys two have the same by chance once in 10^15 tables."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint32]


def hashes_of(frame: pl.DataFrame, columns: Sequence[str]) -> Hashes:
    """Return the hashes of these columns' values together; nulls are equal, NaNs are equal, zeros are equal."""
    key = pl.struct(columns)
    found = frame.select(key.hash(_SEEDS[0]).alias("high"), key.hash(_SEEDS[1]).alias("low"))
    return Hashes(found["high"].to_numpy(), (found["low"].to_numpy() >> 32).astype(np.uint32))


def find(sorted_by_high: Hashes, wanted: Hashes) -> NDArray[np.int64]:
    """Return where each wanted key is first found, -1 where it is not."""
    at = np.searchsorted(sorted_by_high.high, wanted.high)
    found, last = np.full(len(at), -1, np.int64), len(sorted_by_high.high) - 1
    while last >= 0:
        here = np.minimum(at, last)
        near = (at <= last) & (found < 0) & (sorted_by_high.high[here] == wanted.high)
        if not near.any():
            break
        hit = near & (sorted_by_high.low[here] == wanted.low)
        found[hit] = here[hit]
        at = at + 1  # two keys may share the high part alone
    return found


class Seen:
    """The keys of the rows that went by: 12 bytes for each distinct one."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        self._runs: list[Hashes] = []

    def repeated(self, frame: pl.DataFrame) -> pl.Series:
        """Tell of each row whether one before it, here or in an earlier frame, has the same key; never for a row with a null in it."""
        told = np.zeros(frame.height, bool)
        if self._columns and frame.height:
            complete = frame.select(pl.all_horizontal(pl.col(self._columns).is_not_null())).to_series()
            told[complete.to_numpy()] = self._again(hashes_of(frame.filter(complete), self._columns))
        return pl.Series("repeated", told)

    def _again(self, keys: Hashes) -> NDArray[np.bool_]:
        order = np.lexsort((keys.low, keys.high))
        keys = Hashes(keys.high[order], keys.low[order])
        again = np.zeros(len(order), bool)
        again[1:] = (keys.high[1:] == keys.high[:-1]) & (keys.low[1:] == keys.low[:-1])
        for run in self._runs:
            again |= find(run, keys) >= 0
        self._runs.append(Hashes(keys.high[~again], keys.low[~again]))
        self._merge()
        told = np.empty_like(again)
        told[order] = again
        return told

    def _merge(self) -> None:
        # Each run is more than twice as long as the next, so that there are few and each key is moved few times.
        while len(self._runs) > 1 and len(self._runs[-2].high) <= 2 * len(self._runs[-1].high):
            later, earlier = self._runs.pop(), self._runs.pop()
            self._runs.append(_merged(earlier, later))


def _merged(one: Hashes, other: Hashes) -> Hashes:
    """Return two sorted runs as one; beside both and the outcome, little is in memory meanwhile."""
    at = np.searchsorted(one.high, other.high) + np.arange(len(other.high))
    rest = np.ones(len(one.high) + len(other.high), bool)
    rest[at] = False
    high, low = np.empty(len(rest), np.uint64), np.empty(len(rest), np.uint32)
    high[at], low[at] = other
    high[rest], low[rest] = one
    return Hashes(high, low)
