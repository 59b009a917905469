"""Batch execution of tables that are larger than memory: bucket by bucket, and what is too much for one bucket moment by moment.

Table and spine are parted by the hash of the key and wait on disk; a bucket is computed as any small table is, and its values are put
back in the spine's order, frame by frame. So the values are the same, to the last bit but for sums of floats, which may differ in theirs.

A bucket that is still too large, because few keys have most of the rows, is cut at moments of the question. A question between two cuts
needs the rows that became known between them, and of those before the newest of each key (latest) or as many as a window reaches back.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.features.answering import AS_OF, Prepared
from headrace.features.batch import assemble_frame, find_table, lookup_column, questions_of
from headrace.features.buckets import MOST, PLACE, Bucket, BucketWriter, frame_of
from headrace.features.edges import left_edge
from headrace.features.frames import Bounds, framed, height
from headrace.features.lookups import PlannedLookup
from headrace.features.once import Once
from headrace.features.plan import FeaturePlan
from headrace.features.prepared import ARRIVAL, KNOWN, TIME, key_names, visible_rows

_SAMPLE = 1000
_EARLIEST, _LATEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


def lookup_frames(
    plan: FeaturePlan, slot: str, spine: pl.LazyFrame, table: pl.LazyFrame, bounds: Bounds, as_of: datetime | None = None
) -> Iterator[pl.Series]:
    """Yield what `lookup_column` returns, `bounds.frame_rows` values at a time; one empty series where there is none."""
    questions_count = height(spine)
    rows = questions_count + height(table)
    if rows <= bounds.rows_at_once:
        column = lookup_column(plan, slot, spine, table, as_of)[slot]
        yield from (column[start : start + bounds.frame_rows] for start in range(0, max(len(column), 1), bounds.frame_rows))
        return
    with tempfile.TemporaryDirectory(prefix="lookup-", dir=bounds.folder) as name:
        folder, lookup, count = Path(name), plan.lookup(slot), bucket_count(rows, bounds)
        questions, seen = questions_of(plan, lookup, spine, as_of), visible_rows(lookup, table, plan.functions)
        if questions_count <= bounds.few_rows:
            keys = key_names(lookup)
            seen = seen.join(questions.select(keys).unique().collect().lazy(), on=keys, how="semi")
        _part(questions, lookup, folder / "questions", count, bounds)
        _part(seen, lookup, folder / "rows", count, bounds)
        with BucketWriter(folder / "answers", count) as answers:
            for number in range(count):
                with Bucket(folder / "rows", number) as there, Bucket(folder / "questions", number) as asked:
                    answer_bucket(lookup, there, asked, answers, number, bounds)
        yield from _put_back(folder, slot, count)


def compute_frames(
    plan: FeaturePlan, spine: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], bounds: Bounds, as_of: datetime | None = None
) -> Iterator[pl.DataFrame]:
    """Yield what `batch.compute` returns, `bounds.frame_rows` rows at a time; one empty frame where there is no row.

    Raises:
        MissingTable: if a table that the plan looks into is not among `tables`.
    """
    with tempfile.TemporaryDirectory(prefix="features-", dir=bounds.folder) as name, ExitStack() as opened:
        folder, kept = Path(name), {}
        with BucketWriter(folder / "columns", len(plan.lookups)) as columns:
            for number, lookup in enumerate(plan.lookups):
                for values in lookup_frames(plan, lookup.slot, spine, find_table(lookup, tables), bounds, as_of):
                    columns.write(number, values.alias(lookup.slot).to_frame())
        for number, lookup in enumerate(plan.lookups):
            kept[lookup.slot] = opened.enter_context(Bucket(folder / "columns", number))
        given = spine.select(list(plan.given)) if plan.given else spine
        for place, frame in enumerate(framed(given, bounds.frame_rows)):
            yield assemble_frame(plan, frame, {slot: bucket.frame(place)[slot] for slot, bucket in kept.items()})


def _part(rows: pl.LazyFrame, lookup: PlannedLookup, folder: Path, count: int, bounds: Bounds) -> None:
    with BucketWriter(folder, count) as writer:
        for frame in framed(rows, bounds.frame_rows):
            writer.add(frame, key_names(lookup))


def answer_bucket(lookup: PlannedLookup, there: Bucket, asked: Bucket, answers: BucketWriter, number: int, bounds: Bounds) -> None:
    """Answer a bucket's questions, and keep the values with their places, a record batch for each frame of the spine."""
    cuts = _cuts(lookup, there, asked, bounds.rows_at_once)
    if not cuts:
        _answer_piece(Prepared(lookup, there.together(), Once()), asked, (_EARLIEST, _LATEST), _Place(answers, number), bounds)
        return
    with tempfile.TemporaryDirectory(prefix="pieces-", dir=bounds.folder) as name, ExitStack() as opened:
        folder, count = Path(name) / "answers", len(cuts) + 1
        with BucketWriter(folder, count) as pieces:
            for piece, (rows, span) in enumerate(_pieces(lookup, there, cuts)):
                _answer_piece(Prepared(lookup, rows, Once()), asked, span, _Place(pieces, piece), bounds)
        done = [opened.enter_context(Bucket(folder, piece)) for piece in range(count)]
        for frame in range(asked.frames):
            answers.write(number, frame_of(done, frame))


@dataclass(frozen=True)
class _Place:
    """Where values go: one of the buckets of a writer."""

    writer: BucketWriter
    number: int


def _answer_piece(prepared: Prepared, asked: Bucket, span: tuple[int, int], to: _Place, bounds: Bounds) -> None:
    """Answer the questions asked within a span, so many at once; those asked at no time go with the first."""
    low, high = span
    for questions, edges in asked.several(bounds.rows_at_once):
        if span != (_EARLIEST, _LATEST):
            within = questions[AS_OF].is_between(low, high, closed="left" if high < _LATEST else "both").fill_null(low == _EARLIEST)
            questions, edges = questions.filter(within), np.append(0, np.cumsum(within.to_numpy()))[edges].tolist()
        values = prepared.answer(questions, Once())
        to.writer.write_frames(to.number, pl.DataFrame([questions[PLACE], values.alias("value")]), edges)


def _pieces(lookup: PlannedLookup, there: Bucket, cuts: list[int]) -> Iterator[tuple[pl.DataFrame, tuple[int, int]]]:
    """Yield, for the questions asked from one cut until before the next, the rows that they need."""
    newest: pl.DataFrame | None = None
    for low, high in zip([_EARLIEST, *cuts], [*cuts, _LATEST], strict=True):
        first = low if lookup.over_us is None or low == _EARLIEST else int(left_edge(np.array([low]), lookup.over_us, lookup.hop_us)[0])
        within = pl.col(KNOWN).is_between(first, high, closed="left" if high < _LATEST else "both")
        rows = pl.concat([frame.filter(within) for frame in there]).drop(PLACE)
        if newest is not None:
            rows = pl.concat([newest, rows])
        yield rows, (low, high)
        if lookup.over_us is None:
            newest = rows.sort(KNOWN, TIME, ARRIVAL).unique(key_names(lookup), keep="last", maintain_order=True)


def _cuts(lookup: PlannedLookup, there: Bucket, asked: Bucket, rows_at_once: int) -> list[int]:
    """Return moments that cut a bucket into parts of about as many rows; none where it is small enough, or time does not matter."""
    parts = -(-(there.rows + asked.rows) // rows_at_once)
    if parts <= 2 or not lookup.known:
        return []
    moments = [_sample(frame[KNOWN]) for frame in there] + [_sample(frame[AS_OF]) for frame in asked]
    sample = np.sort(np.concatenate(moments))
    return sorted({int(sample[len(sample) * part // parts]) for part in range(1, parts)}) if len(sample) else []


def _sample(moments: pl.Series) -> NDArray[np.int64]:
    return moments.drop_nulls().gather_every(max(len(moments) // _SAMPLE, 1)).to_numpy()


def _put_back(folder: Path, slot: str, count: int) -> Iterator[pl.Series]:
    with ExitStack() as opened:
        buckets = [opened.enter_context(Bucket(folder / "answers", number)) for number in range(count)]
        for frame in range(buckets[0].frames):
            yield in_place(frame_of(buckets, frame)).alias(slot)


def bucket_count(rows: int, bounds: Bounds) -> int:
    """Return among how many buckets rows of table and spine together are parted."""
    return min(-(-rows // bounds.rows_at_once) * 2, MOST)


def in_place(answers: pl.DataFrame) -> pl.Series:
    """Return the values of a frame's answers from all buckets in the order of the frame."""
    return answers["value"].gather(np.argsort(answers[PLACE].to_numpy()))
