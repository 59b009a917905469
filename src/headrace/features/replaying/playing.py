"""A table's history as a stream: what `headrace stream` does with accepted rows, without source and lake."""

from collections.abc import Iterator, Sequence

import msgspec
import polars as pl

from headrace.features.lookups import ARRIVAL_COLUMN, Functions
from headrace.features.replaying.ordered import MOMENT
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stream.layout import GroupLayout
from headrace.features.stream.positions import Position, position_mark
from headrace.features.stream.writing import StateWriter

_PARTITION = 0
_ROWS_A_COMMIT = 10_000


class PlayedTable:
    """Keeps the state of one table in a store, its rows coming in the order in which something of them became known. One thread at a time.

    It commits as a worker does: a micro-batch's state and its position together, no rows too late. What no question from the horizon on
    needs is dropped.
    """

    def __init__(self, layouts: Sequence[GroupLayout], functions: Functions, rows: Iterator[pl.DataFrame], store: StateStore) -> None:
        """Take the groups of the table, and its rows as `ordered` gives them."""
        self._writer, self._store = StateWriter(layouts, functions), store
        self._mark = position_mark(layouts[0].table, _PARTITION)
        self._position = Position()
        self._mark_value: bytes | None = None
        self._coming = rows
        self._waiting: pl.DataFrame | None = next(rows)

    def play_before(self, moment_us: int | None, horizon_us: int | None) -> None:
        """Take the rows of which something was known before a moment (None: none was); questions before the horizon are asked no more."""
        while self._waiting is not None:
            due = 0 if moment_us is None else int(self._waiting[MOMENT].search_sorted(moment_us, side="left"))
            for start in range(0, due, _ROWS_A_COMMIT):
                self._take(self._waiting[start : min(start + _ROWS_A_COMMIT, due)], horizon_us)
            if due < self._waiting.height:
                self._waiting = self._waiting[due:]
                break
            self._waiting = next(self._coming, None)
        self._commit(Commit(), msgspec.structs.replace(self._position, horizon_us=horizon_us))
        sweeping = self._writer.sweep(self._store, horizon_us, [_PARTITION])
        if sweeping is not None:
            self._store.commit(sweeping)

    def _take(self, rows: pl.DataFrame, horizon_us: int | None) -> None:
        newest = rows[MOMENT][-1]
        after = msgspec.structs.replace(
            self._position, next_offset=self._position.next_offset + rows.height, newest_us=newest, watermark_us=newest,
            horizon_us=horizon_us, newest_arrival=rows[ARRIVAL_COLUMN][-1], accepted=self._position.accepted + rows.height,
        )  # fmt: skip
        self._commit(self._writer.changes(_PARTITION, rows, horizon_us, self._store), after)

    def _commit(self, changes: Commit, after: Position) -> None:
        before = self._mark_value
        self._position, self._mark_value = after, after.to_bytes()
        if self._mark_value != before:
            marks = {"marks": {self._mark: self._mark_value}, "expect": {self._mark: before}}
            self._store.commit(msgspec.structs.replace(changes, **marks))
