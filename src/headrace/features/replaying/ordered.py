"""Rows in the order of a moment, however many there are."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.features.buckets import Bucket, BucketWriter
from headrace.features.frames import Bounds, framed
from headrace.features.lookups import ARRIVAL_COLUMN

MOMENT = "_moment"
Integers = NDArray[np.int64]
_SAMPLE = 10_000


def ordered(rows: pl.LazyFrame, bounds: Bounds) -> Iterator[pl.DataFrame]:
    """Yield rows by `_moment` (Int64, nulls first), ties by `_arrival`: about `bounds.rows_at_once` in a frame, and one frame at least."""
    moments = rows.select(MOMENT).collect(engine="streaming")[MOMENT]
    parts = -(-len(moments) // bounds.rows_at_once)
    if parts <= 1:
        yield rows.collect().sort(MOMENT, ARRIVAL_COLUMN)
        return
    cuts = _cuts(moments, parts)
    with tempfile.TemporaryDirectory(prefix="ordered-", dir=bounds.folder) as name:
        folder = Path(name) / "parts"
        with BucketWriter(folder, len(cuts) + 1) as writer:
            for frame in framed(rows, bounds.frame_rows):
                places = _places(frame[MOMENT], cuts)
                for number in range(len(cuts) + 1):
                    writer.write(number, frame.filter(pl.Series(places == number)))
        for number in range(len(cuts) + 1):
            with Bucket(folder, number) as part:
                yield part.together().sort(MOMENT, ARRIVAL_COLUMN)


def _cuts(moments: pl.Series, parts: int) -> Integers:
    sample = np.sort(moments.drop_nulls().gather_every(max(len(moments) // _SAMPLE, 1)).to_numpy())
    return np.unique(sample[[len(sample) * part // parts for part in range(1, parts)]]) if len(sample) else sample


def _places(moments: pl.Series, cuts: Integers) -> Integers:
    places = np.searchsorted(cuts, moments.fill_null(0).to_numpy(), side="right")
    return np.where(moments.is_null().to_numpy(), 0, places)
