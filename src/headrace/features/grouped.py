"""Lookups that are asked the same questions of the same table: what they need of its rows, each column once."""

from collections.abc import Iterator, Sequence

import msgspec
import polars as pl

from headrace.features.lookups import Functions, PlannedLookup
from headrace.features.prepared import ARRIVAL, KNOWN, SEEN, TIME, VALUE, key_names, row_columns


def grouped(lookups: Sequence[PlannedLookup]) -> Iterator[list[PlannedLookup]]:
    """Yield lookups by the table, the keys, and whether time matters."""
    found: dict[object, list[PlannedLookup]] = {}
    for lookup in lookups:
        found.setdefault((lookup.table, lookup.keys, bool(lookup.known)), []).append(lookup)
    return iter(found.values())


def alike(lookups: Sequence[PlannedLookup]) -> Iterator[list[PlannedLookup]]:
    """Yield lookups of a group that see the same rows: parted together, their values are those of each alone to the last bit.

    With rows that a lookup does not see its keys come in another order, and sums of floats are made up in another.
    """
    found: dict[object, list[PlannedLookup]] = {}
    for group in grouped(lookups):
        for lookup in group:
            found.setdefault((lookup.keys, _meanings(lookup)[SEEN]), []).append(lookup)
    return iter(found.values())


class GroupedRows:
    """The rows of a table as lookups of a group need them; of a single lookup its `visible_rows`, which may say a moment twice."""

    def __init__(self, lookups: Sequence[PlannedLookup]) -> None:
        self.lookups = lookups
        self.keys = key_names(lookups[0])
        self._names: dict[str, dict[str, str]] = {lookup.slot: {} for lookup in lookups}
        given: dict[tuple[str, object], str] = {}
        for lookup in lookups:
            names = self._names[lookup.slot]
            for column, meaning in _meanings(lookup).items():
                number = sum(each == column for each, _ in given)
                names[column] = given.setdefault((column, meaning), f"{column}_{number}" if number else column)
            if lookup.known == (lookup.time,):  # rows that are known when they happen say so once
                names[TIME] = names[KNOWN]
        self._alike = sum(column == SEEN for column, _ in given) == 1

    def scan(self, table: pl.LazyFrame, functions: Functions) -> pl.LazyFrame:
        """Return the rows that one of the lookups can ever see: keys, `_arrival`, and the distinct columns of all lookups."""
        columns = {name: expression for lookup in self.lookups for name, expression in self._columns(lookup, functions)}
        seen = sorted({names[SEEN] for names in self._names.values()})
        rows = table.select(expression.alias(name) for name, expression in columns.items())
        rows = rows.filter(pl.any_horizontal(seen), *(pl.col(name).is_not_null() for name in self.keys))
        return rows.drop(SEEN) if self._alike else rows

    def of(self, lookup: PlannedLookup, rows: pl.DataFrame) -> pl.DataFrame:
        """Return what one of the lookups needs of such rows: as `visible_rows`, or with `_seen`."""
        names = self._names[lookup.slot].items()
        return rows.select(*self.keys, ARRIVAL, *(pl.col(name).alias(column) for column, name in names if name in rows.columns))

    def visible(self, lookup: PlannedLookup, rows: pl.DataFrame) -> pl.DataFrame:
        """Return those of such rows that one of the lookups can ever see, without `_seen`."""
        found = self.of(lookup, rows)
        return found.filter(SEEN).drop(SEEN) if SEEN in found.columns else found

    def _columns(self, lookup: PlannedLookup, functions: Functions) -> Iterator[tuple[str, pl.Expr]]:
        named, names = row_columns(lookup, functions), self._names[lookup.slot]
        return ((names.get(column.meta.output_name(), column.meta.output_name()), column) for column in named)


def _meanings(lookup: PlannedLookup) -> dict[str, object]:
    """What decides each column beside keys and arrival."""
    argument = lookup.value if lookup.aggregate is None else lookup.aggregate["argument"]
    value, where = None if argument is None else msgspec.json.encode(argument), msgspec.json.encode(lookup.where)
    meanings: dict[str, object] = {KNOWN: lookup.known, TIME: lookup.time}
    if value is not None:
        meanings[VALUE] = value
    return meanings | {SEEN: (lookup.known, where, value if lookup.kind == "window" else None)}
