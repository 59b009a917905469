"""One row, now, from a store that is written meanwhile. Imports neither Polars nor a model library.

A question reads its keys' records and how far each table has been followed in one go. What is looked up in tables that are not followed
comes from the published state.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import NamedTuple

from headrace.core.clock import Clock, SystemClock
from headrace.expressions import Value
from headrace.expressions.python_backend import compile_row
from headrace.features.errors import AskedBeforeState, StateMismatch
from headrace.features.lookups import PlannedLookup
from headrace.features.online import RowRead, row_reader
from headrace.features.plan import FeaturePlan
from headrace.features.readers import EPOCH, MICROSECOND
from headrace.features.state import FeatureState
from headrace.features.stores.contract import Key, StateStore
from headrace.features.stream.keys import key_encoder
from headrace.features.stream.layout import GroupLayout, slot_layouts, sorted_keys
from headrace.features.stream.lookup_values import Reader, RecordRows, lookup_reader
from headrace.features.stream.positions import Position, position_prefix, read_position, table_horizon, table_watermark

_RENEW_SECONDS = 5.0


class Answered(NamedTuple):
    """Features of one row, and the watermark of each followed table at that read; None: any row may still come."""

    values: dict[str, Value]
    watermarks: dict[str, datetime | None]


@dataclass(frozen=True)
class _Asked:
    """Lookups that read one record: of one group, by the same columns of the spine."""

    layout: GroupLayout
    texts: tuple[int, ...]
    columns: tuple[str, ...]
    encode: Callable[[Sequence[object]], bytes | None]
    readers: tuple[tuple[str, bool, Reader], ...]
    """Slot, whether it depends on time, reader."""

    def values(self, segments: list[bytes], moment: int | None) -> dict[str, object]:
        """Return the lookups' values by slot; a moment of None is at no time."""
        rows = RecordRows(self.layout.width, self.texts, segments)
        return {slot: None if moment is None and timed else read(rows, moment or 0) for slot, timed, read in self.readers}


class LiveFeatures:
    """Computes the features of one row from a store that follows tables. Safe to call from many threads."""

    def __init__(
        self, plan: FeaturePlan, store: StateStore, published: FeatureState | None, streamed: Collection[str], clock: Clock | None = None
    ) -> None:
        """Take the names of the tables that are followed; the lookups into others are in the published state.

        Raises:
            StateMismatch: if the state was published for other lookups, or there is none where one is needed.
        """
        self.plan = plan
        self.state = published
        self._store, self._clock = store, clock or SystemClock()
        self._row = compile_row(plan.expressions(), plan.row_types)
        followed = [lookup for lookup in plan.lookups if lookup.table in streamed]
        others = [lookup for lookup in plan.lookups if lookup.table not in streamed]
        self._published = _Published(plan, others, published)
        self._asked = _records(plan, followed)
        self._positions = _Positions(store, [lookup.table for lookup in followed])
        self._timed = {lookup.table for lookup in followed if lookup.known}

    def compute(self, row: Mapping[str, object], as_of: datetime | None) -> dict[str, Value]:
        """Return the features of one row of given values (a missing one is null), in the plan's order.

        A null `as_of` asks at no time, as in batch: lookups into tables with a time are null.

        Raises:
            AskedBeforeState: if `as_of` is before what the state can answer.
            StoreFault: if the store fails.
        """
        return self.answer(row, as_of).values

    def answer(self, row: Mapping[str, object], as_of: datetime | None) -> Answered:
        """Return the features as `compute` does, with how fresh they are.

        Raises:
            AskedBeforeState: if `as_of` is before what the state can answer.
            StoreFault: if the store fails.
        """
        moment = None if as_of is None else (as_of - EPOCH) // MICROSECOND
        get = row.get
        encoded = [asked.encode([get(column) for column in asked.columns]) for asked in self._asked]
        keys: list[Key] = [(asked.layout.space, key) for asked, key in zip(self._asked, encoded, strict=True) if key is not None]
        marks = self._positions.marks()
        records, found = self._store.read(keys, marks)
        watermarks = self._watermarks(marks, found, as_of, moment)
        values = self._published.read(get, as_of, moment)
        following = iter(records)
        for asked, key in zip(self._asked, encoded, strict=True):
            values.update(asked.values([] if key is None else next(following), moment))
        return Answered(self._row(values), watermarks)

    def _watermarks(
        self, marks: Sequence[str], found: Sequence[bytes | None], as_of: datetime | None, moment: int | None
    ) -> dict[str, datetime | None]:
        positions = self._positions.by_table(marks, found)
        now = (self._clock.now() - EPOCH) // MICROSECOND
        told = {}
        for table, theirs in positions.items():
            horizon = table_horizon(theirs)
            if as_of is not None and moment is not None and horizon is not None and moment < horizon and table in self._timed:
                raise AskedBeforeState(as_of, EPOCH + horizon * MICROSECOND, table)
            watermark = table_watermark(theirs, now)
            told[table] = None if watermark is None else EPOCH + watermark * MICROSECOND
        return told


class _Published:
    """The lookups into tables that are not followed."""

    def __init__(self, plan: FeaturePlan, lookups: Sequence[PlannedLookup], state: FeatureState | None) -> None:
        self._given = tuple(plan.given)
        self._timeless = {lookup.slot: None for lookup in lookups if lookup.known}
        self._state = state
        if lookups and state is None:
            raise StateMismatch(lookups[0].label)
        self._read: RowRead | None = row_reader(plan, lookups, state) if lookups and state is not None else None

    def read(self, get: Callable[[str], object], as_of: datetime | None, moment: int | None) -> dict[str, object]:
        """Return the given values, and the lookups' by slot."""
        if self._read is None or self._state is None:
            return {name: get(name) for name in self._given}
        if as_of is None:
            return self._read(get, 0) | self._timeless
        if as_of < self._state.moment:
            raise AskedBeforeState(as_of, self._state.moment)
        return self._read(get, moment or 0)


class _Positions:
    """The marks of the followed tables' partitions: which there are is looked up now and then."""

    def __init__(self, store: StateStore, tables: Sequence[str]) -> None:
        self._store, self._tables = store, tuple(dict.fromkeys(tables))
        self._lock = Lock()
        self._marks: tuple[str, ...] | None = None
        self._renew_at = 0.0
        self._decoded: dict[str, tuple[bytes, Position]] = {}

    def marks(self) -> tuple[str, ...]:
        """Return the names of the marks. One thread looks them up anew while others go on with those they know."""
        marks = self._marks
        if marks is None:  # nothing is answered before they are known: they say which questions are too early
            with self._lock:
                return self._renewed() if self._marks is None else self._marks
        if time.monotonic() >= self._renew_at and self._lock.acquire(blocking=False):
            try:
                return self._renewed()
            finally:
                self._lock.release()
        return marks

    def _renewed(self) -> tuple[str, ...]:
        found = tuple(name for table in self._tables for name in sorted(self._store.marks(position_prefix(table))))
        self._marks, self._renew_at = found, time.monotonic() + (_RENEW_SECONDS if found else 0.0)
        return found

    def by_table(self, marks: Sequence[str], found: Sequence[bytes | None]) -> dict[str, list[Position]]:
        """Return the positions of each table's partitions."""
        positions: dict[str, list[Position]] = {table: [] for table in self._tables}
        for name, value in zip(marks, found, strict=True):
            if value is not None:
                positions[name.split("/")[1]].append(self._position(name, value))
        return positions

    def _position(self, name: str, value: bytes) -> Position:
        known = self._decoded.get(name)
        if known is None or known[0] != value:
            known = self._decoded[name] = (value, read_position(value))
        return known[1]


def _records(plan: FeaturePlan, lookups: Sequence[PlannedLookup]) -> list[_Asked]:
    layouts = slot_layouts(plan)
    alike: dict[tuple[str, tuple[str, ...]], list[PlannedLookup]] = {}
    for lookup in lookups:
        alike.setdefault((layouts[lookup.slot].space, tuple(left for left, _ in sorted_keys(lookup))), []).append(lookup)
    found = []
    for (_, columns), group in alike.items():
        layout = layouts[group[0].slot]
        readers = tuple((lookup.slot, bool(lookup.known), lookup_reader(layout, lookup)) for lookup in group)
        found.append(_Asked(layout, tuple(layout.texts), columns, key_encoder([dtype for _, dtype in layout.keys]), readers))
    return found
