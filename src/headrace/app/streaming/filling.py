"""State made from the lake: a group that a changed description needs, or all of them where the store was lost.

Rows are taken in the order in which they came, those of the lake first, then those that still wait for it; so each is taken once. A
group counts as filled, partition by partition, by a mark that comes with its last row. What a worker left unfinished is done anew.
"""

from collections.abc import Callable, Iterator, Sequence
from uuid import uuid4

import polars as pl

from headrace.app.streaming.bounding import pieces
from headrace.app.streaming.intake import BEGINNING
from headrace.app.streaming.lake_rows import LakeRows
from headrace.app.streaming.outbox import rows_of, waiting_chunks
from headrace.app.streaming.partitions import Owned, joined
from headrace.features.lookups import Functions
from headrace.features.stores.contract import Commit, Field, StateStore
from headrace.features.stream.layout import GroupLayout
from headrace.features.stream.positions import FILLED, filled_mark, position_mark
from headrace.features.stream.segments import parse_name
from headrace.features.stream.writing import StateWriter
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.messages import place_of

_LOOK_SECONDS, _UNCHANGED = 1.0, 10
"""How often it is looked whether another worker still fills, and after how many looks without a change it counts as dead."""


def fill(store: StateStore, rows: LakeRows, layouts: Sequence[GroupLayout], functions: Functions, owned: Owned) -> Owned:
    """Fill those groups of one table that lack a partition's rows, and return the partition as it is then.

    Its position moves: who had the partition before may be frozen as he commits rows, and would do so without these groups.

    Raises:
        MarkMoved: if another worker took the partition over, or fills it: see `wait_for_others`.
    """
    partition = rows.partition
    marks = [filled_mark(layout.space, partition) for layout in layouts]
    _, values = store.read([], marks)
    empty = [layout for layout, value in zip(layouts, values, strict=True) if value is None]
    if not empty:
        return owned
    turn = _Turn(store, rows.table, partition, owned)
    for layout in empty:
        _clear(store, layout.space, rows, turn)
    writer, horizon_us = StateWriter(empty, functions), owned.position.horizon_us
    for frame in _all_rows(store, rows, owned.position.next_offset):
        for changes in pieces(writer.changes(partition, frame, BEGINNING if horizon_us is None else horizon_us, store)):
            turn.commit(changes)
    after = owned.filled()
    moved = {position_mark(rows.table, partition): after.mark} if after.mark is not None else {}
    turn.end(Commit(marks={**{filled_mark(layout.space, partition): b"1" for layout in empty}, **moved}))
    return after


def leave_out(store: StateStore, table: str, layouts: Sequence[GroupLayout], partition: int, owned: Owned) -> None:
    """Let groups that this worker does not keep no longer count as filled: the partition's rows now come without them.

    Another version of the description may keep them, whose worker had the partition before, or gets it back.

    Raises:
        MarkMoved: if another worker took the partition over.
    """
    kept = {layout.space for layout in layouts}
    filled = store.marks(f"{FILLED}state/{table}/")
    others = [name for name in filled if name.endswith(f"/{partition}") and _space_of(name) not in kept]
    if others:
        store.commit(Commit(expect={position_mark(table, partition): owned.mark}, marks=dict.fromkeys(others)))


def wait_for_others(store: StateStore, table: str, partition: int, wait: Callable[[float], None]) -> None:
    """Wait as long as another worker is seen to fill groups of a partition; `wait` may raise what ends that."""
    seen, unchanged = b"", 0
    while unchanged < _UNCHANGED:
        _, (value,) = store.read([], [_turn_mark(table, partition)])
        if value is None:
            return
        seen, unchanged = value, unchanged + 1 if value == seen else 0
        wait(_LOOK_SECONDS)


class _Turn:
    """A worker's turn at filling groups of a partition: of several that take it for theirs the last one goes on."""

    def __init__(self, store: StateStore, table: str, partition: int, owned: Owned) -> None:
        self._store, self._mark = store, _turn_mark(table, partition)
        self._mine = Commit(expect={position_mark(table, partition): owned.mark})
        self._name, self._number = uuid4().hex, 0
        store.commit(joined(self._mine, Commit(marks={self._mark: self._value()})))

    def commit(self, changes: Commit) -> None:
        """Make changes, if it is still this worker's turn; whoever waits sees that it is at work."""
        before = self._value()
        self._number += 1
        self._store.commit(joined(self._mine, changes, Commit(expect={self._mark: before}, marks={self._mark: self._value()})))

    def end(self, changes: Commit) -> None:
        """Make the last changes."""
        self._store.commit(joined(self._mine, changes, Commit(expect={self._mark: self._value()}, marks={self._mark: None})))

    def _value(self) -> bytes:
        return f"{self._name} {self._number}".encode()


def _all_rows(store: StateStore, rows: LakeRows, end: int) -> Iterator[pl.DataFrame]:
    """Give the rows before an offset: the lake may be further than a store which lost its last commits, and those rows come again."""
    _, offset = place_of(pl.col(ARRIVAL))
    for frame in rows.frames():
        yield frame.filter(offset < end)
    last = rows.last or 0
    for waiting in waiting_chunks(store, rows.table, rows.partition):
        rows.pulse(0, 0)
        for frame in rows_of([waiting.chunk.accepted]):
            if (fresh := frame.filter(offset >= last)).height:
                yield fresh


def _clear(store: StateStore, space: str, rows: LakeRows, turn: _Turn) -> None:
    """Remove what a worker left in a group that it did not finish, or that was given up once."""
    after: bytes | None = None
    while True:
        rows.pulse(0, 0)
        records, after = store.walk(space, after)
        drop = [Field(space, key, name) for key, fields in records for name, _ in fields if parse_name(name)[0] == rows.partition]
        if drop:
            turn.commit(Commit(drop=drop))
        if after is None:
            return


def _turn_mark(table: str, partition: int) -> str:
    return f"filling/{table}/{partition}"


def _space_of(mark: str) -> str:
    return mark.removeprefix(FILLED).rpartition("/")[0]
