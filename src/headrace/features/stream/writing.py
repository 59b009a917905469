"""Accepted rows of a table into the records of its groups, micro-batch by micro-batch."""

from collections.abc import Collection, Sequence
from itertools import groupby

import polars as pl

from headrace.features.lookups import Functions
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stream.appending import Changes, GroupWriter, Sizes
from headrace.features.stream.layout import GroupLayout
from headrace.features.stream.segments import parse_name


class StateWriter:
    """Keeps the groups of one table. One thread at a time; what it returns is committed, or else `forget` is called, before more."""

    def __init__(self, layouts: Sequence[GroupLayout], functions: Functions, sizes: Sizes = Sizes()) -> None:
        """Take the groups of one table."""
        self.layouts = tuple(layouts)
        self._groups = [GroupWriter(layout, functions, sizes) for layout in layouts]
        self._sweeping: tuple[int, bytes | None] = (0, None)

    def changes(self, partition: int, rows: pl.DataFrame, horizon_us: int | None, store: StateStore) -> Commit:
        """Return what adds accepted rows of a partition and drops what nobody needs who asks at the horizon or later.

        A horizon of None is before everything. `rows` has the table's columns, `_arrival` and `_ingested`.

        Raises:
            StoreFault: if the store fails. Nothing is held then, so that this can be called again.
        """
        changes = Changes()
        try:
            for group in self._groups:
                group.add(partition, rows, _moment(horizon_us), store, changes)
        except BaseException:
            self.forget()  # the groups before the one that failed hold the rows already, and would append them once more
            raise
        return changes.commit()

    def forget(self) -> None:
        """Let go of what is held of the store: after a commit that failed, or where others may have written."""
        for group in self._groups:
            group.forget()

    def sweep(self, store: StateStore, horizon_us: int | None, partitions: Collection[int], most: int = 1000) -> Commit | None:
        """Return what drops rows of these partitions that nobody needs from the horizon on, of about `most` keys; None: nothing.

        The partitions are those that nobody else writes. Each call goes on where the last one stopped, after the last key from the first.
        """
        if not self._groups:
            return None
        number, after = self._sweeping
        group, changes = self._groups[number], Changes()
        records, after = store.walk(group.layout.space, after, most)
        self._sweeping = (number, after) if after is not None else ((number + 1) % len(self._groups), None)
        for key, fields in records:
            for partition, theirs in groupby(fields, lambda field: parse_name(field[0])[0]):
                segments = list(theirs)
                if partition in partitions and group.prune(key, segments, _moment(horizon_us), changes) != segments:
                    group.let_go(partition, key)
        return changes.commit() if changes.put or changes.drop else None


def _moment(horizon_us: int | None) -> int:
    return -(2**63) if horizon_us is None else horizon_us
