"""Partitions of one table taken over, with the state that models need of them, and with the questions that wait."""

from functools import partial

from headrace.app.streaming.around import Around
from headrace.app.streaming.counting import Counts
from headrace.app.streaming.filling import fill, leave_out, wait_for_others
from headrace.app.streaming.lake_rows import LakeRows
from headrace.app.streaming.partitions import Owned
from headrace.app.streaming.recovery import settle, take_over
from headrace.app.streaming.settled import Settled
from headrace.core.moments import MICROSECOND
from headrace.core.units import parse_duration
from headrace.features.lookups import Functions
from headrace.features.stores.errors import MarkMoved
from headrace.features.stream.admitting import Rules
from headrace.features.stream.layout import GroupLayout
from headrace.spec.streams import Streamed
from headrace.spec.tables import Entity, Events


class TakingOver:
    """Takes partitions over.

    Attributes:
        layouts: the groups whose state comes along; None: that is not known yet, and no row may be taken.
        functions: the Python functions that their expressions name.
    """

    def __init__(self, table: Events | Entity, around: Around, settled: Settled, rules: Rules, counts: Counts) -> None:
        assert isinstance(table.source, Streamed)
        self.layouts: tuple[GroupLayout, ...] | None = None
        self.functions: Functions = {}
        self._table, self._around, self._settled, self._rules, self._counts = table.name, around, settled, rules, counts
        self._history_us = history_us(table.source)

    def take(self, partition: int) -> Owned:
        """Return a partition with all groups filled, when the store and the lake let it. Others may take it for theirs at the same time.

        Raises:
            StateAway, ToldToStop: if the worker is to stop meanwhile.
        """
        try:
            return self._around.patience.until_done(partial(self._taken, partition))
        finally:
            self._counts.filled = None

    def _taken(self, partition: int) -> Owned:
        while True:
            try:
                return self._attempt(partition)
            except MarkMoved:
                wait_for_others(self._around.store, self._table, partition, self._around.patience.wait_a_turn)

    def _attempt(self, partition: int) -> Owned:
        around, name = self._around, self._table
        rows = LakeRows(around.lake, name, partition, self._pulse)
        owned = take_over(around.store, rows, self._rules, self._settled.position(partition))
        if owned.mark is None and owned.position.watermark_us is not None:
            owned = owned.dropped_before(owned.position.watermark_us - self._history_us, marked=False)
        if self.layouts is not None:
            leave_out(around.store, name, self.layouts, partition, owned)
            owned = fill(around.store, rows, self.layouts, self.functions, owned)
        settled = settle(around.store, name, partition, owned)
        for each in around.askers.get(name, ()):
            each.take_over(partition)
        return settled

    def _pulse(self, done: int, total: int) -> None:
        self._around.patience.go_on()
        if total:
            self._counts.filled = done, total
            self._around.tell()


def history_us(source: Streamed) -> int:
    """Return how long before the watermark questions can still be answered, in microseconds."""
    return parse_duration(source.history, zero=True) // MICROSECOND
