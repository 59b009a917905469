"""A bucket that few keys fill, cut at moments of the question.

A question between two cuts needs the rows that became known between them, and of those before the newest of each key (latest) or as many
as a window reaches back.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.features.answering import AS_OF, Prepared
from headrace.features.buckets import PLACE, Bucket, BucketWriter, frame_of
from headrace.features.edges import left_edge
from headrace.features.frames import Bounds
from headrace.features.grouped import GroupedRows
from headrace.features.lookups import PlannedLookup
from headrace.features.once import Once
from headrace.features.prepared import ARRIVAL, KNOWN, TIME, key_names

_SAMPLE = 1000
_EARLIEST, _LATEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
_VALUE = "value"


def parts_of(lookup: PlannedLookup, rows: int, bounds: Bounds) -> int:
    """Return how many parts a bucket of so many rows and questions is cut into; one where time does not matter."""
    parts = -(-rows // bounds.rows_at_once)
    return parts if parts > 2 and lookup.known else 1


def answer_in_pieces(rows: GroupedRows, there: Bucket, asked: Bucket, bounds: Bounds) -> Iterator[pl.DataFrame]:
    """Yield the values, named by slot, of each frame of questions, with their places; one lookup after the other is in memory."""
    with tempfile.TemporaryDirectory(prefix="pieces-", dir=bounds.folder) as name, ExitStack() as opened:
        done = {}
        for lookup in rows.lookups:
            folder, visible = Path(name) / lookup.slot, _Visible(rows, lookup, there)
            cuts = _cuts(visible, asked, parts_of(lookup, there.rows + asked.rows, bounds))
            with BucketWriter(folder, len(cuts) + 1) as pieces:
                for piece, (needed, span) in enumerate(_pieces(visible, cuts)):
                    _answer_piece(Prepared(lookup, needed, Once()), asked, span, (pieces, piece), bounds)
            done[lookup.slot] = [opened.enter_context(Bucket(folder, piece)) for piece in range(len(cuts) + 1)]
        for frame in range(asked.frames):
            values = {slot: frame_of(buckets, frame).sort(PLACE) for slot, buckets in done.items()}
            place = next(iter(values.values()))[PLACE]
            yield pl.DataFrame([place, *(each[_VALUE].alias(slot) for slot, each in values.items())])


class _Visible:
    """The rows of a bucket that a lookup sees, frame by frame."""

    def __init__(self, rows: GroupedRows, lookup: PlannedLookup, there: Bucket) -> None:
        self.lookup, self._rows, self._there = lookup, rows, there

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return (self._rows.visible(self.lookup, frame) for frame in self._there)


def _answer_piece(prepared: Prepared, asked: Bucket, span: tuple[int, int], to: tuple[BucketWriter, int], bounds: Bounds) -> None:
    """Answer the questions asked within a span, so many at once; those asked at no time go with the first."""
    low, high = span
    writer, number = to
    for some, frames in asked.several(bounds.rows_at_once):
        within = some[AS_OF].is_between(low, high, closed="left" if high < _LATEST else "both").fill_null(low == _EARLIEST)
        questions, edges = some.filter(within), np.append(0, np.cumsum(within.to_numpy()))[frames].tolist()
        values = prepared.answer(questions, Once())
        writer.write_frames(number, pl.DataFrame([questions[PLACE], values.alias(_VALUE)]), edges)


def _pieces(rows: _Visible, cuts: list[int]) -> Iterator[tuple[pl.DataFrame, tuple[int, int]]]:
    """Yield, for the questions asked from one cut until before the next, the rows that they need."""
    newest: pl.DataFrame | None = None
    lookup = rows.lookup
    for low, high in zip([_EARLIEST, *cuts], [*cuts, _LATEST], strict=True):
        first = low if lookup.over_us is None or low == _EARLIEST else int(left_edge(np.array([low]), lookup.over_us, lookup.hop_us)[0])
        within = pl.col(KNOWN).is_between(first, high, closed="left" if high < _LATEST else "both")
        needed = pl.concat([frame.filter(within) for frame in rows])
        if newest is not None:
            needed = pl.concat([newest, needed])
        yield needed, (low, high)
        if lookup.over_us is None:
            newest = needed.sort(KNOWN, TIME, ARRIVAL).unique(key_names(lookup), keep="last", maintain_order=True)


def _cuts(rows: _Visible, asked: Bucket, parts: int) -> list[int]:
    """Return moments that cut a bucket into parts of about as many rows."""
    moments = [_sample(frame[KNOWN]) for frame in rows] + [_sample(frame[AS_OF]) for frame in asked]
    sample = np.sort(np.concatenate(moments))
    return sorted({int(sample[len(sample) * part // parts]) for part in range(1, parts)}) if len(sample) else []


def _sample(moments: pl.Series) -> NDArray[np.int64]:
    return moments.drop_nulls().gather_every(max(len(moments) // _SAMPLE, 1)).to_numpy()
