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
        indexes = {name: _index(table) for name, table in state.keys.items()}
        self._keys: list[tuple[dict[object, int], tuple[str, ...]]] = []
        self._readers: list[tuple[str, int, bool, Reader]] = []
        places: dict[tuple[str, tuple[str, ...]], int] = {}
        for lookup in plan.lookups:
            stored = state.slots.get(lookup.slot)
            if stored is None or stored.meaning != lookup_meaning(lookup):
                raise StateMismatch(lookup.label)
            columns = tuple(left for left, _ in lookup.keys)
            place = places.setdefault((stored.keys, columns), len(places))
            if place == len(self._keys):
                self._keys.append((indexes[stored.keys], columns))
            rows = state.rows[lookup.slot]
            self._readers.append((lookup.slot, place, bool(lookup.known), reader(lookup, rows, len(indexes[stored.keys]))))

    def compute(self, row: Mapping[str, object], as_of: datetime | None) -> dict[str, Value]:
        """Return the features of one row of given values (a missing one is null), in the plan's order.

        A null `as_of` asks at no time, as in batch: lookups into tables with a time are null.

        Raises:
            AskedBeforeState: if `as_of` is before the state's moment.
        """
        values = self.read(row, as_of)
        return self._row(values)

    def read(self, row: Mapping[str, object], as_of: datetime | None) -> dict[str, object]:
        """Return the given values and the lookups' values by slot: what the features' expressions read."""
        moment = None if as_of is None else (as_of - EPOCH) // MICROSECOND
        if as_of is not None and moment is not None and moment < self._earliest:
            raise AskedBeforeState(as_of, self.state.moment)
        values = {name: row.get(name) for name in self._given}
        groups = [_group(index, values, columns) for index, columns in self._keys]
        for slot, place, in_time, read in self._readers:
            values[slot] = None if in_time and moment is None else read(groups[place], moment or 0)
        return values


def _group(index: dict[object, int], values: Mapping[str, object], columns: tuple[str, ...]) -> int | None:
    """The number of a key's group; none holds a null or NaN."""
    return index.get(values[columns[0]] if len(columns) == 1 else tuple([values[column] for column in columns]))


def _index(table: Any) -> dict[object, int]:
    columns = [column.to_pylist() for column in table.columns]
    keys = columns[0] if len(columns) == 1 else zip(*columns, strict=True)
    return {key: number for number, key in enumerate(keys)}
