"""From which moment on a streamed table's state has all rows: it moves as time goes on, and rows that no question needs are dropped."""

import time
from collections.abc import Mapping, Sequence

from headrace.app.learning.progress import earliest_lesson
from headrace.app.scoring.questions import earliest_question
from headrace.app.streaming.around import Around
from headrace.app.streaming.partitions import Owned, joined
from headrace.app.streaming.taking_over import history_us
from headrace.features.stores.contract import Commit
from headrace.features.stream.positions import Position, position_mark, table_horizon
from headrace.features.stream.writing import StateWriter
from headrace.spec.streams import Streamed
from headrace.spec.tables import Entity, Events

_SWEEP_SECONDS = 30.0
_PAUSES = 20
"""How many times as long as a sweep took that found something it is waited for the next: keys may come by the thousand each second."""


class Horizon:
    """That of one table, as one worker knows it: `reached_us`, None as long as nobody can tell."""

    def __init__(self, table: Events | Entity, around: Around) -> None:
        assert isinstance(table.source, Streamed)
        self.reached_us: int | None = None
        self._table, self._around, self._history_us = table.name, around, history_us(table.source)
        project = around.workspace.project
        self._scored, self._learning = (frozenset(each.model.name for each in kind) for kind in (project.scorings, project.learnings))
        self._due = time.monotonic() + _SWEEP_SECONDS

    def move(self, positions: Sequence[Position], watermark_us: int) -> None:
        """See how far it may be by how far all partitions are."""
        before = table_horizon(positions)
        needed = self._around.patience.until_done(self._needed_from)
        reached = min([watermark_us - self._history_us, *needed])
        self.reached_us = reached if before is None else max(before, reached)

    def sweep(self, writer: StateWriter, owned: Mapping[int, Owned]) -> dict[int, Owned]:
        """Drop some of what no question needs any more, now and then, of partitions; return those of which something was.

        Raises:
            MarkMoved: if somebody else has moved one of them.
        """
        horizon, store, began = self.reached_us, self._around.store, time.monotonic()
        if horizon is None or began < self._due:
            return {}
        self._due = began + _SWEEP_SECONDS
        changes = self._around.patience.until_done(lambda: writer.sweep(store, horizon, list(owned)))
        if changes is None:
            return {}
        after = {partition: each.dropped_before(horizon) for partition, each in owned.items()}
        marks = {position_mark(self._table, partition): each.mark for partition, each in after.items()}
        expect = {position_mark(self._table, partition): each.mark for partition, each in owned.items()}
        self._around.patience.commit(store, joined(Commit(expect=expect, marks=marks), changes))
        swept = time.monotonic()
        self._due = min(self._due, swept + _PAUSES * (swept - began))
        return after

    def _needed_from(self) -> list[int]:
        """Return the moments from which on rows must stay, whatever `history` says: questions about them are still to be answered."""
        store = self._around.store
        found = earliest_question(store, self._scored), earliest_lesson(store, self._learning)
        return [each for each in found if each is not None]
