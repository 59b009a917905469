"""Polars types of ours, and the evaluation of Python functions over a column's distinct values."""

from collections.abc import Callable
from typing import Any

import polars as pl

from headrace.expressions.types import DType, Value

POLARS_TYPES: dict[DType, pl.DataType] = {
    DType.BOOL: pl.Boolean(), DType.INT: pl.Int64(), DType.FLOAT: pl.Float64(), DType.STRING: pl.String(), DType.NULL: pl.Null(),
    DType.DATETIME: pl.Datetime("us", "UTC"), DType.DURATION: pl.Duration("us"),
}  # fmt: skip


def literal(value: Value, dtype: DType) -> pl.Expr:
    """Return a plain value as a Polars literal of exactly our type."""
    return pl.lit(value, dtype=POLARS_TYPES[dtype])


def over_distinct(argument: pl.Expr, function: Callable[[Any], Value], dtype: DType) -> pl.Expr:
    """Apply a Python function to each distinct value that is not null; null stays null."""
    return argument.map_batches(lambda series: map_distinct(series, function, dtype), return_dtype=POLARS_TYPES[dtype], is_elementwise=True)


def map_distinct(series: pl.Series, function: Callable[[Any], Value], dtype: DType) -> pl.Series:
    """Return a Python function's values, computed once for each distinct value that is not null."""
    distinct = series.unique().drop_nulls()
    values = pl.Series([function(value) for value in distinct.to_list()], dtype=POLARS_TYPES[dtype])
    if len(distinct) == 0:
        return pl.Series(series.name, [None], dtype=POLARS_TYPES[dtype]).new_from_index(0, len(series))
    places = pl.DataFrame({"key": distinct, "value": values})
    return series.to_frame("key").join(places, on="key", how="left", maintain_order="left").get_column("value").rename(series.name)
