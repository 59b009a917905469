"""Which types a source's columns have: the narrowest that hold all their values, found a chunk at a time."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from headrace.expressions import DType
from headrace.ingest.column_types import dtype_of
from headrace.ingest.dialect import PLAIN, Dialect
from headrace.ingest.raw import RawTable
from headrace.ingest.texts import NARROWEST_FIRST, surviving


@dataclass(frozen=True)
class ColumnTypes:
    """`types` are all columns' types; `known` those of columns that have a value or whose type was pinned."""

    types: dict[str, DType]
    known: dict[str, DType]


def settle_types(raw: RawTable, pinned: Mapping[str, DType], dialect: Dialect, heard: Callable[[int], None]) -> ColumnTypes:
    """Return each column's type: the pinned one, else what a pass over all rows shows. Without need there is no pass.

    `heard` is called with the number of rows behind; what it raises ends the pass.

    Raises:
        UnsupportedColumn: for a column of a type that tables do not hold.
    """
    seen = {name: _Column(raw.textual, dialect) for name in raw.names if name not in pinned}
    if raw.schema is not None and not raw.textual:
        _look(seen, [pl.DataFrame(schema=raw.schema)], heard)
    elif seen:
        _look(seen, raw.chunks(), heard)
    found = {name: pinned[name] if name in pinned else seen[name].kind() for name in raw.names}
    known = {name: kind for name, kind in found.items() if kind is not None}
    return ColumnTypes({name: known.get(name, DType.STRING) for name in raw.names}, known)


def infer(column: pl.Series, textual: frozenset[DType], dialect: Dialect = PLAIN) -> DType | None:
    """Return the narrowest type that holds all values of a raw column; None if all are null and the format does not say."""
    seen = _Column(textual, dialect)
    seen.see(column)
    return seen.kind()


def _look(seen: Mapping[str, "_Column"], chunks: Iterable[pl.DataFrame], heard: Callable[[int], None]) -> None:
    rows = 0
    for chunk in chunks:
        for name, column in seen.items():
            column.see(chunk[name])
        rows += chunk.height
        heard(rows)


class _Column:
    """What a column's values have shown so far: the type of those that came with one, and the types that all its texts read as."""

    def __init__(self, textual: frozenset[DType], dialect: Dialect) -> None:
        self._textual = textual
        self._dialect = dialect
        self._typed: DType | None = None
        self._texts: frozenset[DType] | None = None

    def see(self, values: pl.Series) -> None:
        kind = dtype_of(values.name, values.dtype)
        if isinstance(values.dtype, pl.Null):
            return
        if kind is not DType.STRING or not self._textual:
            self._typed = kind if self._typed is None else _both(self._typed, kind)
        elif values.name in self._dialect.formats:
            self._texts = frozenset({DType.DATETIME})  # it is one by declaration
        elif self._texts != frozenset() and values.null_count() < len(values):
            self._texts = surviving(values.cast(pl.String), self._textual if self._texts is None else self._texts, self._dialect)

    def kind(self) -> DType | None:
        if self._texts is None:
            return self._typed
        narrowest = next((kind for kind in NARROWEST_FIRST if kind in self._texts), DType.STRING)
        if self._typed is None:
            return narrowest
        return self._typed if self._typed in self._texts else _both(self._typed, narrowest)


def _both(one: DType, other: DType) -> DType:
    if one == other:
        return one
    return DType.FLOAT if {one, other} == {DType.INT, DType.FLOAT} else DType.STRING
