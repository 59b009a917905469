"""One row or a few, now, from a store that is written meanwhile. Imports neither Polars nor a model library.

A question reads its keys' records and how far each table has been followed in one go. What is looked up in tables that are not followed
comes from the published state.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from headrace.core.clock import Clock, SystemClock
from headrace.core.moments import microseconds, moment_of
from headrace.expressions import Value
from headrace.expressions.python_backend import compile_row
from headrace.features.errors import AskedBeforeState, StateMismatch
from headrace.features.lookups import PlannedLookup
from headrace.features.online import RowRead, row_reader
from headrace.features.plan import FeaturePlan
from headrace.features.state import FeatureState
from headrace.features.stores.contract import Key, StateStore
from headrace.features.stream.followed import FollowedTables
from headrace.features.stream.keys import key_encoder
from headrace.features.stream.layout import GroupLayout, slot_layouts, sorted_keys
from headrace.features.stream.lookup_values import Reader, RecordRows, lookup_reader
from headrace.features.stream.positions import table_horizon


class Answered(NamedTuple):
    """Features of each row, and the watermark of each followed table at that read; None: any row may still come."""

    values: list[dict[str, Value]]
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
    """Computes the features of rows from a store that follows tables. Safe to call from many threads."""

    def __init__(
        self,
        plan: FeaturePlan,
        store: StateStore,
        published: FeatureState | None,
        streamed: Collection[str],
        clock: Clock | None = None,
        *,
        filled: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        """Take the names of the tables that are followed; the lookups into others are in the published state.

        With `filled`, which are partitions of tables that are known to have rows, it is seen at each question that the store holds all rows
        of these, and of all others that were followed, as whoever follows has marked it.

        Raises:
            StateMismatch: if the state was published for other lookups, or there is none where one is needed.
        """
        self.plan = plan
        self.state = published
        self._store = store
        self._row = compile_row(plan.expressions(), plan.row_types)
        followed = [lookup for lookup in plan.lookups if lookup.table in streamed]
        others = [lookup for lookup in plan.lookups if lookup.table not in streamed]
        self._published = _Published(plan, others, published)
        self._asked = _records(plan, followed)
        spaces: dict[str, set[str]] = {lookup.table: set() for lookup in followed}
        for asked in self._asked:
            spaces[asked.layout.table].add(asked.layout.space)
        self.followed = FollowedTables(store, spaces, clock or SystemClock(), filled=filled)
        self._timed = {lookup.table for lookup in followed if lookup.known}

    def compute(self, row: Mapping[str, object], as_of: datetime | None) -> dict[str, Value]:
        """Return the features of one row of given values (a missing one is null), in the plan's order.

        A null `as_of` asks at no time, as in batch: lookups into tables with a time are null.

        Raises:
            AskedBeforeState: if `as_of` is before what the state can answer.
            NotFollowed: with `filled`, if the store does not hold all rows.
            StoreFault: if the store fails.
        """
        return self.answer([row], as_of).values[0]

    def answer(self, rows: Sequence[Mapping[str, object]], as_of: datetime | None) -> Answered:
        """Return the features of rows as `compute` does, read in one go, with how fresh they are.

        Raises:
            AskedBeforeState: if `as_of` is before what the state can answer.
            NotFollowed: with `filled`, if the store does not hold all rows.
            StoreFault: if the store fails.
        """
        moment = None if as_of is None else microseconds(as_of)
        # A key that several rows ask about is read once.
        places: dict[Key, int] = {}
        read = [[_place(asked, row.get, places) for asked in self._asked] for row in rows]
        marks = self.followed.marks()
        records, found = self._store.read(list(places), marks)
        watermarks = self._watermarks(marks, found, moment)
        values = []
        for row, wanted in zip(rows, read, strict=True):
            known = self._published.read(row.get, as_of, moment)
            for asked, place in zip(self._asked, wanted, strict=True):
                known.update(asked.values([] if place is None else records[place], moment))
            values.append(self._row(known))
        return Answered(values, watermarks)

    def _watermarks(self, marks: Sequence[str], found: Sequence[bytes | None], moment: int | None) -> dict[str, datetime | None]:
        positions = self.followed.positions(marks, found)
        if moment is not None:
            for table in self._timed:
                horizon = table_horizon(positions[table])  # which may be long before the year 1
                if horizon is not None and moment < horizon:
                    raise AskedBeforeState(moment_of(moment), moment_of(horizon), table)
        return self.followed.watermarks(positions)


def _place(asked: _Asked, get: Callable[[str], object], places: dict[Key, int]) -> int | None:
    """Return where the record of a row is among those that are read, which it joins; None: it has none."""
    key = asked.encode([get(column) for column in asked.columns])
    return None if key is None else places.setdefault((asked.layout.space, key), len(places))


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
