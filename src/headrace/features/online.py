"""Online execution: one row, now. Imports neither Polars nor a model library."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from headrace.core.moments import microseconds
from headrace.expressions import Value
from headrace.expressions.python_backend import compile_row
from headrace.features.errors import AskedBeforeState, StateMismatch
from headrace.features.lookups import PlannedLookup
from headrace.features.plan import FeaturePlan, lookup_meaning
from headrace.features.readers import reader
from headrace.features.state import FeatureState

RowRead = Callable[[Callable[[str], object], int], dict[str, object]]


class OnlineFeatures:
    """Computes the features of one row from a state and generated functions. Immutable, safe to call from many threads.

    Raises:
        StateMismatch: if the state was published for other lookups.
    """

    def __init__(self, plan: FeaturePlan, state: FeatureState) -> None:
        self.plan = plan
        self.state = state
        self._earliest = microseconds(state.moment)
        self._row = compile_row(plan.expressions(), plan.row_types)
        self._timeless = {lookup.slot: None for lookup in plan.lookups if lookup.known}
        self._read = row_reader(plan, plan.lookups, state)

    def compute(self, row: Mapping[str, object], as_of: datetime | None) -> dict[str, Value]:
        """Return the features of one row of given values (a missing one is null), in the plan's order.

        A null `as_of` asks at no time, as in batch: lookups into tables with a time are null.

        Raises:
            AskedBeforeState: if `as_of` is before the state's moment.
        """
        return self._row(self.read(row, as_of))

    def read(self, row: Mapping[str, object], as_of: datetime | None) -> dict[str, object]:
        """Return the given values and the lookups' values by slot: what the features' expressions read."""
        if as_of is None:
            return self._read(row.get, 0) | self._timeless
        moment = microseconds(as_of)
        if moment < self._earliest:
            raise AskedBeforeState(as_of, self.state.moment)
        return self._read(row.get, moment)


def row_reader(plan: FeaturePlan, lookups: Sequence[PlannedLookup], state: FeatureState) -> RowRead:
    """Return a function, written for some lookups of a plan, of a row's `get` and a moment in microseconds.

    It gives the given values and those of the lookups by slot.

    Lookups by the same columns of the same key table share the place of the key: -1 where there is none, and none holds a null or NaN.
    """
    names = {name: f"given{number}" for number, name in enumerate(plan.given)}
    lines = [f"{local} = get({name!r})" for name, local in names.items()]
    values = [f"{name!r}: {local}" for name, local in names.items()]
    scope: dict[str, Any] = {}
    indexes = {name: _index(table) for name, table in state.keys.items()}
    places: dict[tuple[str, tuple[str, ...]], str] = {}
    for number, lookup in enumerate(lookups):
        stored = state.slots.get(lookup.slot)
        if stored is None or stored.meaning != lookup_meaning(lookup):
            raise StateMismatch(lookup.label)
        index, columns = indexes[stored.keys], tuple(left for left, _ in lookup.keys)
        if (stored.keys, columns) not in places:
            place = places[stored.keys, columns] = f"place{len(places)}"
            scope[f"find_{place}"] = index.get
            key = names[columns[0]] if len(columns) == 1 else f"({', '.join(names[column] for column in columns)})"
            lines.append(f"{place} = find_{place}({key}, -1)")
        scope[f"read{number}"] = reader(lookup, state.rows[lookup.slot], len(index))
        values.append(f"{lookup.slot!r}: read{number}({places[stored.keys, columns]}, moment)")
    source = "\n    ".join(["def read(get, moment):", *lines, f"return {{{', '.join(values)}}}\n"])
    exec(compile(source, "<headrace lookups>", "exec"), scope)  # noqa: S102 - written above; names enter by repr only
    return scope["read"]  # type: ignore[no-any-return]  # what exec made


def _index(table: Any) -> dict[object, int]:
    columns = [column.to_pylist() for column in table.columns]
    keys = columns[0] if len(columns) == 1 else zip(*columns, strict=True)
    return {key: number for number, key in enumerate(keys)}
