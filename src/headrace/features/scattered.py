"""Batch execution by an executor's tasks: lookups of any size into one table, on as many machines as there are.

It is `bucketed` with its loops taken apart. Tasks part the table and the spine, some frames each, among the same buckets; tasks answer a
bucket each, by the code and on the files that `bucketed` has; and tasks put the values back in the spine's order, some frames each. What
they leave for each other waits in the scratch beside the lake. So the values are those of `bucketed` to the last bit, sums of floats too.

Functions of the user's own stay in the process that read the description: where a lookup calls one, its rows are parted there.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from headrace.engine.executor import Executor, Here, Part, Result
from headrace.features.batch import questions_of
from headrace.features.bucketed import answer_bucket, bucket_count, in_place, lookup_frames
from headrace.features.buckets import PLACE, Bucket, BucketWriter, batch_of, batches_bytes, bytes_batches, frame_from, parted
from headrace.features.frames import FRAME_ROWS, Bounds, height
from headrace.features.grouped import GroupedRows, grouped
from headrace.features.lookups import PlannedLookup
from headrace.features.plan import FeaturePlan
from headrace.features.prepared import key_names
from headrace.features.shared import Opened, Rows, Shared
from headrace.lake.frames import bytes_frame, frame_bytes

VALUE = "value"
FRAMES_A_TASK = 4
"""How many frames of a table or the spine one task takes."""


class Kept(msgspec.Struct, frozen=True):
    """A frame of a lookup's values (column `value`): the name of its blob, or of its file in the scratch."""

    name: str
    rows: int
    missing: int


Frames = dict[str, Kept]
"""A frame of the values of several lookups, by slot."""


class Scattered(msgspec.Struct, frozen=True, kw_only=True):
    """Lookups into one table, to be worked by tasks.

    Bounds are those of `Bounds`; `to_blobs` tells whether the values stay in the lake.
    """

    plan: FeaturePlan
    slots: tuple[str, ...]
    spine: Rows
    table: Rows
    shared: Shared
    as_of: datetime | None = None
    to_blobs: bool = True
    rows_at_once: int = 1 << 20
    frame_rows: int = FRAME_ROWS
    few_rows: int = 1 << 16

    @property
    def lookups(self) -> list[PlannedLookup]:
        """The lookups."""
        return [self.plan.lookup(slot) for slot in self.slots]

    @property
    def keys(self) -> list[str]:
        """The names of the key columns that they share."""
        return key_names(self.lookups[0])

    def bounds(self, folder: Path) -> Bounds:
        """Return what a task holds at once."""
        return Bounds(folder, self.rows_at_once, self.frame_rows, self.few_rows)


class PartTask(msgspec.Struct, frozen=True, kw_only=True):
    """Part some rows of the table, or questions of the spine, among buckets; with `keys`, only rows with one of those."""

    of: Scattered
    side: str
    first: int
    buckets: int
    keys: str = ""


class Parted(msgspec.Struct, frozen=True):
    """What parting some rows left: a file in which the buckets' rows lie one after the other, and where each begins."""

    name: str
    rows: int
    edges: tuple[int, ...]


class Piece(msgspec.Struct, frozen=True):
    """A bucket's rows in one of those files; `before` rows were parted before these `rows`, of all buckets."""

    name: str
    start: int
    end: int
    before: int
    rows: int


class BucketTask(msgspec.Struct, frozen=True, kw_only=True):
    """Answer the questions of a bucket."""

    of: Scattered
    number: int
    rows: tuple[Piece, ...]
    questions: tuple[Piece, ...]


class PlaceTask(msgspec.Struct, frozen=True, kw_only=True):
    """Put the values of some frames of the spine back in order."""

    of: Scattered
    group: int
    buckets: int


class Told:
    """Tells how many tasks of how many are done, and so hears whether to stop."""

    def __init__(self, heard: Callable[[int, int], object], total: int = 1) -> None:
        self._heard = heard
        self.done, self.total = 0, total

    def __call__(self) -> None:
        """Tell."""
        self._heard(self.done, self.total)

    def each(self, executor: Executor, work: Callable[[Part], Result], parts: Iterable[Part]) -> Iterator[Result]:
        """Do some of the tasks."""
        for result in executor.each(work, parts, self):
            self.done += 1
            yield result


def scattered_lookups(executor: Executor, what: Scattered, heard: Callable[[int, int], object]) -> Iterator[Frames]:
    """Yield the frames of what `lookup_frames` gives, in order, once they are kept; `heard` is told the tasks done, and of how many."""
    with what.shared.opened() as opened:
        rows = height(what.spine.all(opened)), height(what.table.all(opened))
    if sum(rows) <= what.bounds(Path()).rows_unparted:
        here, sent = _sent(executor, what)
        (kept,) = Told(heard).each(here, whole_lookups, [sent])
        yield from kept
        return
    for group in grouped(what.lookups):
        some = msgspec.structs.replace(what, slots=tuple(lookup.slot for lookup in group))
        yield from _scattered_group(executor, some, rows, heard)


def _sent(executor: Executor, what: Scattered) -> tuple[Executor, Scattered]:
    """Return who evaluates the lookups' expressions, and what is to be sent there: functions of the user's own stay here."""
    if what.plan.functions:
        return Here(), what
    return executor, what


def _scattered_group(
    executor: Executor, what: Scattered, rows_of: tuple[int, int], heard: Callable[[int, int], object]
) -> Iterator[Frames]:
    sent = msgspec.structs.replace(what, plan=msgspec.structs.replace(what.plan, functions={}))
    (here, to_part), (asked, seen) = _sent(executor, what), rows_of
    count = bucket_count(asked + seen, what.bounds(Path()))
    with what.shared.opened() as opened:
        keys = _keep_keys(what, opened) if asked <= what.few_rows else ""
    step = FRAMES_A_TASK * what.frame_rows
    rows = [PartTask(of=to_part, side="rows", first=first, buckets=count, keys=keys) for first in range(0, max(seen, 1), step)]
    questions = [PartTask(of=to_part, side="questions", first=first, buckets=count) for first in range(0, max(asked, 1), step)]
    told = Told(heard, len(rows) + count + 2 * len(questions))  # the questions of a task to part are those of a task to put back
    done = list(told.each(here, part_rows, [*rows, *questions]))
    pieces = _pieces(done[: len(rows)], count), _pieces(done[len(rows) :], count)
    buckets = [BucketTask(of=sent, number=number, rows=pieces[0][number], questions=pieces[1][number]) for number in range(count)]
    groups = max(told.each(executor, answer, buckets))
    for kept in told.each(executor, put_back, [PlaceTask(of=sent, group=group, buckets=count) for group in range(groups)]):
        yield from kept


def whole_lookups(task: Scattered) -> tuple[Frames, ...]:
    """Work lookups at once that are small enough."""
    with task.shared.opened() as opened, opened.folder() as folder:
        table, spine = task.table.all(opened), task.spine.all(opened)
        frames = lookup_frames(task.plan, task.lookups, spine, table, task.bounds(folder), task.as_of)
        return tuple(_keep(task, opened, number, values) for number, values in enumerate(frames))


def part_rows(task: PartTask) -> Parted:
    """Part the rows of some frames; those of the table that no question can see are left out."""
    of = task.of
    with of.shared.opened() as opened:
        source = of.table if task.side == "rows" else of.spine
        some = source.some(opened, task.first, FRAMES_A_TASK * of.frame_rows)
        found = questions_of(of.plan, of.lookups[0], some, of.as_of)
        if task.side == "rows":
            found = GroupedRows(of.lookups).scan(some, of.plan.functions)
        if task.keys:
            found = found.join(bytes_frame(opened.scratch.get(task.keys)).lazy(), on=of.keys, how="semi", maintain_order="left")
        frame = found.collect()
        rows, edges = parted(frame, of.keys, task.buckets)
        pieces = [batches_bytes([batch_of(rows[first:end])]) for first, end in pairwise(edges)]
        name = f"{of.slots[0]}/{task.side}/{task.first}"
        opened.scratch.put(name, b"".join(pieces))
    return Parted(name, frame.height, tuple(np.cumsum([0, *map(len, pieces)]).tolist()))


def answer(task: BucketTask) -> int:
    """Answer a bucket's questions; return in how many files the answers lie, of some frames of the spine each."""
    of = task.of
    with of.shared.opened() as opened, opened.folder() as folder:
        _lay_down(opened, folder / "rows", task.rows, of.frame_rows)
        _lay_down(opened, folder / "questions", task.questions, of.frame_rows)
        with BucketWriter(folder / "answers", 1) as answers, Bucket(folder / "rows", 0) as there, Bucket(folder / "questions", 0) as asked:
            answer_bucket(of.lookups, there, asked, (answers, 0), of.bounds(folder))
        with Bucket(folder / "answers", 0) as answered:
            firsts = range(0, answered.frames, FRAMES_A_TASK)
            for group, first in enumerate(firsts):
                batches = [answered.batch(number) for number in range(first, min(first + FRAMES_A_TASK, answered.frames))]
                opened.scratch.put(_answers(of, task.number, group), batches_bytes(batches))
    return len(firsts)


def put_back(task: PlaceTask) -> tuple[Frames, ...]:
    """Put the values of some frames in order, and keep them."""
    of = task.of
    with of.shared.opened() as opened:
        buckets = [bytes_batches(opened.scratch.get(_answers(of, number, task.group))) for number in range(task.buckets)]
        frames = enumerate(zip(*buckets, strict=True), task.group * FRAMES_A_TASK)
        return tuple(_keep(of, opened, number, in_place(frame_from(parts))) for number, parts in frames)


def _keep_keys(what: Scattered, opened: Opened) -> str:
    """Keep the keys that are asked for: of a table for few questions most rows are none of theirs."""
    name = f"{what.slots[0]}/keys"
    questions = questions_of(what.plan, what.lookups[0], what.spine.all(opened), what.as_of)
    opened.scratch.put(name, frame_bytes(questions.select(what.keys).unique().collect()))
    return name


def _pieces(done: list[Parted], count: int) -> list[tuple[Piece, ...]]:
    """Return the pieces of each bucket."""
    before = [0, *np.cumsum([each.rows for each in done]).tolist()]
    return [
        tuple(
            Piece(each.name, each.edges[number], each.edges[number + 1], ahead, each.rows)
            for each, ahead in zip(done, before, strict=False)
        )
        for number in range(count)
    ]


def _lay_down(opened: Opened, folder: Path, pieces: tuple[Piece, ...], frame_rows: int) -> None:
    """Write a bucket as `BucketWriter.add` does that is given the rows in frames of so many rows: one batch for each of those."""
    with BucketWriter(folder, 1) as writer:
        waiting: list[pl.DataFrame] = []
        for piece in pieces:
            (batch,) = bytes_batches(opened.scratch.get_range(piece.name, piece.start, piece.end))
            rows = frame_from([batch])
            places = rows[PLACE].to_numpy().astype(np.int64) + piece.before
            rows = rows.with_columns(pl.Series(PLACE, (places % frame_rows).astype(np.uint32)))
            start = 0
            for full in range(piece.before // frame_rows, (piece.before + piece.rows) // frame_rows):
                end = int(np.searchsorted(places, (full + 1) * frame_rows))
                writer.write(0, pl.concat([*waiting, rows[start:end]]))
                waiting, start = [], end
            waiting.append(rows[start:])
        total = pieces[-1].before + pieces[-1].rows
        if total % frame_rows or not total:
            writer.write(0, pl.concat(waiting))


def _keep(of: Scattered, opened: Opened, number: int, frame: pl.DataFrame) -> Frames:
    kept = {}
    for values in frame:
        data, name = frame_bytes(values.alias(VALUE).to_frame()), f"{values.name}/values/{number}"
        if of.to_blobs:
            name = opened.lake.blobs.put(data)
        else:
            opened.scratch.put(name, data)
        kept[values.name] = Kept(name, len(values), values.null_count())
    return kept


def _answers(of: Scattered, bucket: int, group: int) -> str:
    return f"{of.slots[0]}/answers/{bucket}/{group}"
