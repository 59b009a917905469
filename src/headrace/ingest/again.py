"""Rows read again: one that is as it was keeps the moment at which it was first ingested, so that `known="ingested"` does not forget."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.ingest.requests import ARRIVAL, INGESTED_AT
from headrace.ingest.seen import Hashes, find, hashes_of

_NOW_TYPE = pl.Datetime("us", "UTC")


class _Before(NamedTuple):
    """The rows of the last time by the hash of what they share with today's, and when each was first ingested: 20 bytes a row."""

    shared: list[str]
    keys: Hashes
    moments: NDArray[np.int64]


class FirstIngested:
    """When rows were first ingested, asked a frame at a time; all frames have one schema."""

    def __init__(self, identity: Sequence[str], previous: pl.LazyFrame | None, now: datetime) -> None:
        self._identity = identity
        self._previous = previous
        self._now = now
        self._before: _Before | None = None

    def of(self, frame: pl.DataFrame) -> pl.Series:
        """Return `_ingested` for each row: that of a previous row with the same id and the same content, the earliest of several, else now.

        Content is what both have: a column added to the description does not make old rows new.
        """
        fresh = pl.Series(INGESTED_AT, [self._now], _NOW_TYPE).new_from_index(0, frame.height)
        if self._previous is None or frame.is_empty():
            return fresh
        if self._before is None:
            self._before = _read(self._previous, frame.schema, self._identity)
        if not len(self._before.moments):
            return fresh
        at = find(self._before.keys, hashes_of(frame, self._before.shared))
        moments = np.where(at >= 0, self._before.moments[np.maximum(at, 0)], fresh.to_physical().to_numpy())
        return pl.Series(INGESTED_AT, moments).cast(_NOW_TYPE)


def _read(previous: pl.LazyFrame, schema: pl.Schema, identity: Sequence[str]) -> _Before:
    kept = previous.collect_schema()
    shared = [name for name, dtype in schema.items() if name != ARRIVAL and kept.get(name) == dtype]
    nothing = _Before([], Hashes(np.empty(0, np.uint64), np.empty(0, np.uint32)), np.empty(0, np.int64))
    if not shared or not set(identity) <= set(shared):
        return nothing
    high, low, moments = [], [], []
    for frame in previous.select(*shared, INGESTED_AT).collect_batches(engine="streaming"):
        keys = hashes_of(frame, shared)
        high.append(keys.high)
        low.append(keys.low)
        moments.append(frame[INGESTED_AT].to_physical().to_numpy())
    if not moments:
        return nothing
    found = Hashes(np.concatenate(high), np.concatenate(low)), np.concatenate(moments)
    order = np.lexsort((found[1], found[0].high))
    return _Before(shared, Hashes(found[0].high[order], found[0].low[order]), found[1][order])
