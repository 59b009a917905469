"""A table made ready for a lookup: rows that can ever be visible, sorted by key, then as they became known."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce

import polars as pl

from headrace.expressions import DType, Expr
from headrace.expressions.polars_backend.compile import Compiler
from headrace.features.lookups import ARRIVAL_COLUMN, Functions, PlannedLookup

GROUP, KNOWN, TIME, ARRIVAL, VALUE, SEEN = "_group", "_known", "_time", "_arrival", "_value", "_seen"


def key_names(lookup: PlannedLookup) -> list[str]:
    """The names that a lookup's key columns go by here, on both sides."""
    return [f"_key_{number}" for number in range(len(lookup.keys))]


def key_columns(lookup: PlannedLookup, spine: bool) -> list[pl.Expr]:
    """The spine's or the table's key columns under those names."""
    pairs = zip(key_names(lookup), lookup.keys, strict=True)
    return [key_column(left if spine else right, lookup.columns[right]).alias(name) for name, (left, right) in pairs]


def key_column(name: str, dtype: DType) -> pl.Expr:
    """A key column. NaN is null, for it equals nothing, and negative zero is zero."""
    column = pl.col(name)
    if dtype == DType.FLOAT:  # Polars 2.1 joins NaN to NaN or not, as the frame was made
        return pl.when(column == 0).then(0.0).otherwise(column.fill_nan(None))
    return column


def visible_rows(lookup: PlannedLookup, table: pl.LazyFrame, functions: Functions, before: datetime | None = None) -> pl.LazyFrame:
    """Return the rows of a table that a lookup can ever see; with `before`, only those known strictly before it.

    Columns: as `row_columns`, without `_seen`. Dropped: rows that are not seen, and those with a null in a key.
    """
    keyed = (pl.col(name).is_not_null() for name in key_names(lookup))
    rows = table.select(row_columns(lookup, functions)).filter(pl.col(SEEN), *keyed).drop(SEEN)
    if before is not None and lookup.known:
        rows = rows.filter(pl.col(KNOWN) < pl.lit(before, pl.Datetime("us", "UTC")).to_physical())
    return rows


def row_columns(lookup: PlannedLookup, functions: Functions) -> list[pl.Expr]:
    """What a lookup needs of a table.

    The keys, `_known` and `_time` (Int64, microseconds since 1970; 0 where rows were always known), `_arrival`, `_value` unless rows are
    counted, and `_seen`: not so are rows never known, those for which `where` is not true, and for a window those whose value is null.
    """
    argument, condition = lookup.argument(functions), lookup.condition(functions)
    columns = [*key_columns(lookup, spine=False), knowledge_time(lookup.known).alias(KNOWN), pl.col(ARRIVAL_COLUMN).alias(ARRIVAL)]
    columns.append((pl.lit(0, pl.Int64) if lookup.time is None else pl.col(lookup.time).to_physical()).alias(TIME))
    if argument is not None:
        columns.append(full_length(argument, lookup.columns).alias(VALUE))
    value = argument if lookup.kind == "window" else None
    columns.append(seen_rows(lookup.known, value, condition, lookup.columns).alias(SEEN))
    return columns


def seen_rows(known: Sequence[str], value: Expr | None, condition: Expr | None, schema: Mapping[str, DType]) -> pl.Expr:
    """Whether a row can ever be seen: no known column is null, nor the value, if one is given, and the condition is true."""
    seen = [pl.col(name).is_not_null() for name in known]
    if value is not None:
        seen.append(full_length(value, schema).is_not_null())
    if condition is not None:
        seen.append(full_length(condition, schema).fill_null(value=False))
    return pl.all_horizontal(pl.lit(value=True), *seen)


def knowledge_time(known: Sequence[str]) -> pl.Expr:
    """The moment at which a row's value became known, in microseconds: the latest of the known columns, null where one of them is."""
    if not known:
        return pl.lit(0, pl.Int64)
    return reduce(_later, [pl.col(name).to_physical() for name in known])


def _later(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """The later of two moments, null where one of them is: neither comparison is true then. Less than half the work of `max_horizontal`."""
    return pl.when(left > right).then(left).when(left <= right).then(right)


def full_length(expression: Expr, schema: Mapping[str, DType]) -> pl.Expr:
    """A Polars expression as long as the frame, even for a constant; the frame has a first column."""
    return full_lengths([expression], schema)[0]


def full_lengths(expressions: Iterable[Expr], schema: Mapping[str, DType]) -> list[pl.Expr]:
    """Several such expressions, of which the parts that they share are computed once."""
    compiler = Compiler(schema)
    return [_full_length(expression, compiler.compile(expression)) for expression in expressions]


def _full_length(expression: Expr, compiled: pl.Expr) -> pl.Expr:
    return compiled if expression.columns() else pl.when(pl.first().is_null()).then(compiled).otherwise(compiled)


def in_order(rows: pl.DataFrame, groups: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Return rows with the number of their key's group, sorted by group, known, time (null first) and arrival."""
    numbered = rows.join(groups, on=keys, how="left").drop(keys)
    return numbered.sort(GROUP, KNOWN, TIME, ARRIVAL)


def key_groups(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Return each distinct key with its number from 0 (`_group`, Int64)."""
    return rows.select(keys).unique(maintain_order=True).with_row_index(GROUP).with_columns(pl.col(GROUP).cast(pl.Int64))
