"""Batch execution of tables that are larger than memory: bucket by bucket, and what is too much for one bucket moment by moment.

Table and spine are parted by the hash of the key and wait on disk; a bucket is computed as any small table is, several of them side by
side, and its values are put back in the spine's order, frame by frame. So the values are the same, to the last bit but for sums of floats,
which may differ in theirs. Lookups by the same key into the same table are parted once and answered together; of a table that is not
parted those by other keys too.

A bucket that is still too large, because few keys have most of the rows, is cut at moments of the question (`pieces`).
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from headrace.features.answering import Prepared
from headrace.features.batch import assemble_frame, find_table, given_columns, lookup_columns, questions_of
from headrace.features.buckets import MOST, PLACE, Bucket, BucketWriter, frame_of
from headrace.features.frames import Bounds, framed, height
from headrace.features.grouped import GroupedRows, grouped
from headrace.features.lookups import PlannedLookup
from headrace.features.once import Once
from headrace.features.pieces import answer_in_pieces, parts_of
from headrace.features.plan import FeaturePlan
from headrace.features.prepared import key_names
from headrace.features.side_by_side import side_by_side

MOST_TOGETHER = 8
"""How many lookups are answered together, of a table that is not parted: each holds some numbers a question."""
_ROW_FRAMES = 4
"""How many frames' rows of a table are parted at once: nobody asks which frame they came in, and fewer pieces are less to do."""


def lookup_frames(
    plan: FeaturePlan,
    lookups: Sequence[PlannedLookup],
    spine: pl.LazyFrame,
    table: pl.LazyFrame,
    bounds: Bounds,
    as_of: datetime | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield the values of lookups into one table, named by slot, `bounds.frame_rows` at a time; one empty frame where there is none.

    Where they are too many rows to be held at once, lookups of different groups come one group after the other.
    """
    if height(spine) + height(table) > bounds.rows_unparted:
        for group in grouped(lookups):
            yield from _parted_frames(plan, group, spine, table, bounds, as_of)
        return
    columns = pl.DataFrame(list(lookup_columns(plan, lookups, spine, {lookups[0].table: table}, as_of).values()))
    yield from (columns[start : start + bounds.frame_rows] for start in range(0, max(columns.height, 1), bounds.frame_rows))


def compute_frames(
    plan: FeaturePlan, spine: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], bounds: Bounds, as_of: datetime | None = None
) -> Iterator[pl.DataFrame]:
    """Yield what `batch.compute` returns, `bounds.frame_rows` rows at a time; one empty frame where there is no row.

    Raises:
        MissingTable: if a table that the plan looks into is not among `tables`.
    """
    groups = list(_companies(plan, height(spine), tables, bounds))
    with tempfile.TemporaryDirectory(prefix="features-", dir=bounds.folder) as name, ExitStack() as opened:
        folder = Path(name)
        with BucketWriter(folder / "columns", len(groups)) as columns:
            for number, lookups in enumerate(groups):
                for values in lookup_frames(plan, lookups, spine, find_table(lookups[0], tables), bounds, as_of):
                    columns.write(number, values)
        kept = [opened.enter_context(Bucket(folder / "columns", number)) for number in range(len(groups))]
        for place, frame in enumerate(framed(given_columns(plan, spine), bounds.frame_rows)):
            yield assemble_frame(plan, frame, {column.name: column for group in kept for column in group.frame(place)})


def _companies(plan: FeaturePlan, asked: int, tables: Mapping[str, pl.LazyFrame], bounds: Bounds) -> Iterator[list[PlannedLookup]]:
    """Yield the lookups that are answered together, where so many rows ask."""
    for name in dict.fromkeys(lookup.table for lookup in plan.lookups):
        lookups = [lookup for lookup in plan.lookups if lookup.table == name]
        if asked + height(find_table(lookups[0], tables)) > bounds.rows_unparted:
            yield from grouped(lookups)
        else:
            yield from (lookups[start : start + MOST_TOGETHER] for start in range(0, len(lookups), MOST_TOGETHER))


def _parted_frames(
    plan: FeaturePlan, lookups: Sequence[PlannedLookup], spine: pl.LazyFrame, table: pl.LazyFrame, bounds: Bounds, as_of: datetime | None
) -> Iterator[pl.DataFrame]:
    """Yield the values of lookups of a group, named by slot, in the spine's order, `bounds.frame_rows` at a time."""
    with tempfile.TemporaryDirectory(prefix="lookup-", dir=bounds.folder) as name:
        questions_count, folder, keys = height(spine), Path(name), key_names(lookups[0])
        count = bucket_count(questions_count + height(table), bounds)
        questions, seen = questions_of(plan, lookups[0], spine, as_of), GroupedRows(lookups).scan(table, plan.functions)
        if questions_count <= bounds.few_rows:
            seen = seen.join(questions.select(keys).unique().collect().lazy(), on=keys, how="semi", maintain_order="left")

        def part(side: str) -> None:
            with BucketWriter(folder / side, count) as writer:
                asking = side == "questions"
                for frame in framed(questions if asking else seen, bounds.frame_rows if asking else _ROW_FRAMES * bounds.frame_rows):
                    writer.add(frame, keys, places=asking)

        side_by_side(part, ["questions", "rows"], MOST // count)  # no more files are open at once
        with BucketWriter(folder / "answers", count) as answers:

            def answer(number: int) -> None:
                with Bucket(folder / "rows", number) as there, Bucket(folder / "questions", number) as asked:
                    answer_bucket(lookups, there, asked, (answers, number), bounds)

            side_by_side(answer, range(count))
        yield from _put_back(folder / "answers", count)


def bucket_count(rows: int, bounds: Bounds) -> int:
    """Return among how many buckets rows of table and spine together are parted."""
    return min(-(-rows // bounds.rows_at_once) * 2, MOST)


def answer_bucket(lookups: Sequence[PlannedLookup], there: Bucket, asked: Bucket, to: tuple[BucketWriter, int], bounds: Bounds) -> None:
    """Answer a bucket's questions, and keep the values, named by slot, with their places: a batch for each frame of the spine.

    `there` has what `GroupedRows` scans, and for a single lookup that is `visible_rows`; `to` is a bucket of a writer.
    """
    rows, (writer, number) = GroupedRows(lookups), to
    if parts_of(lookups[0], there.rows + asked.rows, bounds) > 1:
        for frame in answer_in_pieces(rows, there, asked, bounds):
            writer.write(number, frame)
        return
    together, shared = there.together(), Once()
    prepared = {lookup.slot: Prepared(lookup, rows.of(lookup, together), shared) for lookup in lookups}
    for questions, edges in asked.several(bounds.rows_at_once):
        answered = Once()
        values = [each.answer(questions, answered).alias(slot) for slot, each in prepared.items()]
        writer.write_frames(number, pl.DataFrame([questions[PLACE], *values]), edges)


def in_place(answers: pl.DataFrame) -> pl.DataFrame:
    """Return a frame's answers from all buckets in the order of the frame, without their places."""
    order = np.empty(answers.height, np.uint32)
    order[answers[PLACE].to_numpy()] = np.arange(answers.height, dtype=np.uint32)
    return answers.drop(PLACE)[order]


def _put_back(folder: Path, count: int) -> Iterator[pl.DataFrame]:
    with ExitStack() as opened:
        buckets = [opened.enter_context(Bucket(folder, number)) for number in range(count)]
        for frame in range(buckets[0].frames):
            yield in_place(frame_of(buckets, frame))
