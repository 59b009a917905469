"""What a table looks like: for each column its type, nulls, distinct values, range and distribution."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.expressions import DType
from headrace.ingest.column_types import convert, dtype_of
from headrace.ingest.finding import Finding

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP = 10
MEASURED = (DType.INT, DType.FLOAT, DType.DURATION)
Value = bool | int | float | str | None


class ValueCount(msgspec.Struct, frozen=True):
    """A value and how many rows have it."""

    value: Value
    rows: int


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A column.

    Datetimes are ISO 8601 texts and durations seconds. Numbers are described over what is neither null, NaN nor infinite.

    Attributes:
        distinct: distinct values that are not null.
        not_finite: NaN and infinite values.
        std: with n - 1; None below two values.
        quantiles: at 1, 5, 25, 50, 75, 95 and 99 percent, by linear interpolation; empty unless a number or duration.
        top: the ten commonest values, ties in order of value; empty unless a text or boolean.
    """

    name: str
    type: DType
    nulls: int
    distinct: int
    not_finite: int = 0
    min: Value = None
    max: Value = None
    mean: float | None = None
    std: float | None = None
    quantiles: tuple[float, ...] = ()
    top: tuple[ValueCount, ...] = ()


class TableProfile(msgspec.Struct, frozen=True):
    """A table; `msgspec.to_builtins` makes JSON of it and `msgspec.convert` reads that back.

    `findings` are what a person may want to judge (see `findings.find_oddities`).
    """

    rows: int
    columns: tuple[ColumnProfile, ...]
    findings: tuple[Finding, ...] = ()

    def column(self, name: str) -> ColumnProfile:
        """Return a column's profile.

        Raises:
            KeyError: if there is no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def profile_table(frame: pl.DataFrame | pl.LazyFrame) -> TableProfile:
    """Return the profile of a frame; columns of other types than the lake's are described as what ingestion would make of them."""
    rows = frame.lazy().collect().rechunk()  # sums of floats depend on where chunks are cut
    natural = [convert(column, dtype_of(column.name, column.dtype)) for column in rows.iter_columns()]
    types = {column.name: dtype_of(column.name, column.dtype) for column in natural}
    rows = pl.DataFrame(natural)
    facts = {f"{name}\0{fact}": expression for name, kind in types.items() for fact, expression in _facts(name, kind).items()}
    found = rows.select(**facts).row(0, named=True) if facts else {}
    return TableProfile(rows.height, tuple(_column(rows[name], kind, found) for name, kind in types.items()))


def _facts(name: str, kind: DType) -> dict[str, pl.Expr]:
    column = pl.col(name)
    present = column.drop_nulls()
    facts = {"nulls": column.null_count(), "distinct": present.n_unique()}
    if kind in (DType.STRING, DType.BOOL):
        # Both in order of appearance; value_counts, evaluated twice, would come in two orders.
        values, counts = present.unique(maintain_order=True), present.unique_counts()
        order = pl.struct((-counts.cast(pl.Int64)).alias("rows"), values.alias("value")).sort()
        facts["top"] = order.head(TOP).implode()
    if kind is DType.FLOAT:
        facts["not_finite"] = (~column.is_finite()).sum()
        column = column.filter(column.is_finite())
    facts |= {"min": column.min(), "max": column.max()}
    if kind in MEASURED:
        number = _number(column, kind)
        facts |= {"mean": number.mean(), "std": number.std()}
    return facts


def _column(values: pl.Series, kind: DType, found: dict[str, Any]) -> ColumnProfile:
    prefix = f"{values.name}\0"
    facts = {key.removeprefix(prefix): fact for key, fact in found.items() if key.startswith(prefix)}
    top = tuple(ValueCount(each["value"], -each["rows"]) for each in facts.pop("top", None) or ())
    quantiles = _quantiles(values, kind) if kind in MEASURED else ()
    facts |= {fact: plain(facts[fact]) for fact in ("min", "max")}
    return ColumnProfile(name=values.name, type=kind, top=top, quantiles=quantiles, **facts)


def _number(column: pl.Expr, kind: DType) -> pl.Expr:
    return column.dt.total_microseconds() / 1e6 if kind is DType.DURATION else column.cast(pl.Float64)


def _quantiles(values: pl.Series, kind: DType) -> tuple[float, ...]:
    # NumPy finds all of them in one partition, Polars sorts for each: 0.16 s against 0.65 s on 336,776 rows of 13 columns.
    numbers = numbers_of(values, kind)
    finite = numbers[np.isfinite(numbers)]
    return tuple(float(each) for each in np.quantile(finite, QUANTILES)) if len(finite) else ()


def numbers_of(values: pl.Series, kind: DType) -> NDArray[np.float64]:
    """Return what is not null as numbers; durations in seconds."""
    return values.drop_nulls().to_frame().select(_number(pl.col(values.name), kind)).to_series().to_numpy()


def plain(value: object) -> Any:
    """Return a value as a profile holds it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value
