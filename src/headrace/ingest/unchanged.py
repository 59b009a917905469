"""Rows that say nothing new: the same, in every column, as the one of their key before them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.ingest.requests import ARRIVAL, INGESTED_AT

_SEED = 0x0DDB1A5E
Numbers = NDArray[np.uint64]


class _Newest(NamedTuple):
    """The newest row of each key: hashes of key and row, sorted by key.

    Two keys that share 64 bits are not confused: the key is in the row, so that the rows differ.
    """

    keys: Numbers
    rows: Numbers


class Unchanged:
    """Tells of rows, which are given in order, whether they repeat their key's row before them: 16 bytes for each key."""

    def __init__(self, key: Sequence[str]) -> None:
        self._key = list(key)
        self._runs: list[_Newest] = []

    def repeated(self, frame: pl.DataFrame) -> pl.Series:
        """Tell whether a row is as the one of its key before it, in this frame or an earlier one; no row is if no column is the key."""
        told = np.zeros(frame.height, bool)
        if self._key and frame.height:
            content = pl.struct(pl.exclude(ARRIVAL, INGESTED_AT)).hash(_SEED).alias("row")
            hashed = frame.select(pl.struct(self._key).hash(_SEED).alias("key"), content)
            keys, rows = hashed["key"].to_numpy(), hashed["row"].to_numpy()
            order = np.argsort(keys, kind="stable")
            told[order] = self._again(keys[order], rows[order])
        return pl.Series("unchanged", told)

    def _again(self, keys: Numbers, rows: Numbers) -> NDArray[np.bool_]:
        first = np.ones(len(keys), bool)
        first[1:] = keys[1:] != keys[:-1]
        again = ~first
        again[1:] &= rows[1:] == rows[:-1]
        again[first] = self._newest_of(keys[first]) == rows[first]
        last = np.roll(first, -1)  # the first of all is that of a key, so the last of all is too
        self._runs.append(_Newest(keys[last], rows[last]))
        self._merge()
        return again

    def _newest_of(self, keys: Numbers) -> Numbers:
        """Return the hash of each key's newest row; of a key that was not seen, one that it will hardly have."""
        found, missing = np.zeros(len(keys), np.uint64), np.ones(len(keys), bool)
        for run in reversed(self._runs):
            at = np.minimum(np.searchsorted(run.keys, keys), len(run.keys) - 1)
            here = missing & (run.keys[at] == keys)
            found[here] = run.rows[at[here]]
            missing &= ~here
        return found

    def _merge(self) -> None:
        # Each run is more than twice as long as the next, so that there are few and each key is moved few times.
        while len(self._runs) > 1 and len(self._runs[-2].keys) <= 2 * len(self._runs[-1].keys):
            later, earlier = self._runs.pop(), self._runs.pop()
            self._runs.append(_merged(earlier, later))


def _merged(earlier: _Newest, later: _Newest) -> _Newest:
    keys = np.concatenate([earlier.keys, later.keys])
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    newest = np.append(keys[1:] != keys[:-1], True)
    return _Newest(keys[newest], np.concatenate([earlier.rows, later.rows])[order][newest])
