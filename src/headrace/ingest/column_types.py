"""From whatever type a column has to one of the six that tables hold, without losing a value silently."""

from decimal import Decimal
from math import isfinite

import polars as pl

from headrace.expressions import DType
from headrace.ingest.dialect import PLAIN, Dialect, localised, within_years
from headrace.ingest.errors import UnsupportedColumn
from headrace.ingest.texts import parse_text

POLARS_TYPES: dict[DType, pl.DataType] = {
    DType.BOOL: pl.Boolean(),
    DType.INT: pl.Int64(),
    DType.FLOAT: pl.Float64(),
    DType.STRING: pl.String(),
    DType.DATETIME: pl.Datetime("us", "UTC"),
    DType.DURATION: pl.Duration("us"),
}
_EXACT_FLOAT = 2.0**63


def dtype_of(column: str, dtype: pl.DataType) -> DType:
    """Return the type that a column of a Polars type has in a table: decimals are floats, dates are datetimes, times of day durations.

    Raises:
        UnsupportedColumn: for binary, nested and other types.
    """
    if dtype.is_integer():
        return DType.INT
    if dtype.is_float() or dtype.is_decimal():
        return DType.FLOAT
    if isinstance(dtype, pl.Boolean):
        return DType.BOOL
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null):
        return DType.STRING
    if isinstance(dtype, pl.Datetime | pl.Date):
        return DType.DATETIME
    if isinstance(dtype, pl.Duration | pl.Time):
        return DType.DURATION
    raise UnsupportedColumn(column, dtype)


def convert(values: pl.Series, kind: DType, dialect: Dialect = PLAIN) -> pl.Series:
    """Return the values as another type; null where a value has none of that type.

    Texts are parsed (see `texts.parse_text`), whole floats become integers, anything but a duration becomes text: a float as
    `plain_float` writes it. Nothing else changes
    its kind: a boolean is no number. Datetimes without a zone are those of the dialect's.
    """
    found = dtype_of(values.name, values.dtype)
    if found == kind:
        return _natural(values, kind, dialect)
    if found is DType.STRING:
        return parse_text(values.cast(pl.String), kind, dialect)
    if kind is DType.FLOAT and found is DType.INT:
        return values.cast(pl.Float64)
    if kind is DType.INT and found is DType.FLOAT:
        return whole(values.cast(pl.Float64))
    if kind is DType.STRING and found is DType.DATETIME:
        return _natural(values, found, dialect).dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
    if kind is DType.STRING and found is DType.FLOAT and not values.dtype.is_decimal():
        return _plain_floats(values.cast(pl.Float64))
    if kind is DType.STRING and found is not DType.DURATION:
        return values.cast(pl.String)
    return pl.Series(values.name, [None], POLARS_TYPES[kind]).new_from_index(0, len(values))


def whole(values: pl.Series) -> pl.Series:
    """Return floats as integers; null for those that are none."""
    frame = values.to_frame("value")
    fits = (pl.col("value").floor() == pl.col("value")) & (pl.col("value") >= -_EXACT_FLOAT) & (pl.col("value") < _EXACT_FLOAT)
    return frame.select(pl.when(fits).then("value").cast(pl.Int64, strict=False)).to_series().rename(values.name)


def plain_float(value: float) -> str:
    """Return a float as a text without an exponent, a whole one as an integer: as JSON numbers among texts are read.

    So a text is the same whatever numbers lie near it: 3 is a float among fractions, and an integer among integers.

    >>> plain_float(3.0), plain_float(2.5), plain_float(1e-7)
    ('3', '2.5', '0.0000001')
    """
    return format(Decimal(repr(value)), "f").removesuffix(".0") if isfinite(value) else str(value)


def _plain_floats(values: pl.Series) -> pl.Series:
    plain = values.cast(pl.String).str.strip_suffix(".0")
    if not plain.str.contains("e", literal=True).any():
        return plain
    texts = [text if text is None or "e" not in text else plain_float(float(text)) for text in plain]
    return pl.Series(values.name, texts, pl.String)


def _natural(values: pl.Series, kind: DType, dialect: Dialect) -> pl.Series:
    if kind is not DType.DATETIME:
        return values.cast(POLARS_TYPES[kind], strict=False)
    zone = values.dtype.time_zone if isinstance(values.dtype, pl.Datetime) else None
    if zone is not None:
        moment = within_years(pl.first().dt.convert_time_zone("UTC").cast(POLARS_TYPES[kind], strict=False))
    else:
        clock = within_years(pl.first().cast(pl.Datetime("us"), strict=False))
        moment = localised(clock, dialect, dated=isinstance(values.dtype, pl.Date))
    return values.to_frame().select(moment).to_series()
