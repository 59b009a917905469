"""Online execution: one row, now. Imports neither Polars nor a model library."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace.expressions import Value
from headrace.expressions.python_backend import compile_row
from headrace.features.errors import AskedBeforeState, StateMismatch
from headrace.features.plan import FeaturePlan, lookup_meaning
from headrace.features.readers import EPOCH, MICROSECOND, Reader, reader
from headrace.features.state import FeatureState


class OnlineFeatures:
    """Computes the features of one row from a state and a generated function. Immutable, safe to call from many threads.

    Raises:
        StateMismatch: if the state was published for other lookups.
    """

    def __init__(self, plan: FeaturePlan, state: FeatureState) -> None:
        self.plan = plan
        self.state = state
        self._given = tuple(plan.given)
        self._earliest = (state.moment - EPOCH) // MICROSECOND
        self._row = compile_row(plan.expressions(), plan.row_types)
        self._timeless = {lookup.slot: None for lookup in plan.lookups if lookup.known}
        indexes = {name: _index(table) for name, table in state.keys.items()}
        self._groups: list[_Group] = []
        places: dict[tuple[str, tuple[str, ...]], _Group] = {}
        for lookup in plan.lookups:
            stored = state.slots.get(lookup.slot)
            if stored is None or stored.meaning != lookup_meaning(lookup):
                raise StateMismatch(lookup.label)
            place = (stored.keys, tuple(left for left, _ in lookup.keys))
            if place not in places:
                places[place] = _Group(indexes[stored.keys], place[1])
                self._groups.append(places[place])
            read = reader(lookup, state.rows[lookup.slot], len(indexes[stored.keys]))
            places[place].readers.append((lookup.slot, read))

    def compute(self, row: Mapping[str, object], as_of: datetime | None) -> dict[str, Value]:
        """Return the features of one row of given values (a missing one is null), in the plan's order.

        A null `as_of` asks at no time, as in batch: lookups into tables with a time are null.

        Raises:
            AskedBeforeState: if `as_of` is before the state's moment.
        """
        return self._row(self.read(row, as_of))

    def read(self, row: Mapping[str, object], as_of: datetime | None) -> dict[str, object]:
        """Return the given values and the lookups' values by slot: what the features' expressions read."""
        moment = 0 if as_of is None else (as_of - EPOCH) // MICROSECOND
        if as_of is not None and moment < self._earliest:
            raise AskedBeforeState(as_of, self.state.moment)
        get = row.get
        values: dict[str, object] = {name: get(name) for name in self._given}
        for group in self._groups:
            number = group.find(values)
            for slot, read in group.readers:
                values[slot] = read(number, moment)
        return values if as_of is not None else values | self._timeless


class _Group:
    """Lookups by the same columns of the same key table: the key is looked up once for all of them."""

    __slots__ = ("_columns", "_index", "_only", "readers")

    def __init__(self, index: dict[object, int], columns: tuple[str, ...]) -> None:
        self._index, self._columns = index, columns
        self._only = columns[0] if len(columns) == 1 else None
        self.readers: list[tuple[str, Reader]] = []

    def find(self, values: Mapping[str, object]) -> int:
        """Return the number of a key's group, -1 where there is none; none holds a null or NaN."""
        key = values[self._only] if self._only is not None else tuple([values[column] for column in self._columns])
        return self._index.get(key, -1)


def _index(table: Any) -> dict[object, int]:
    columns = [column.to_pylist() for column in table.columns]
    keys = columns[0] if len(columns) == 1 else zip(*columns, strict=True)
    return {key: number for number, key in enumerate(keys)}
