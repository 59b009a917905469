"""Reading values out of texts: which type a column of texts has, and its values as that type."""

from dataclasses import replace

import polars as pl

from headrace.expressions import DType
from headrace.ingest.dialect import PLAIN, Dialect, moments, plain_number

_DIGITS = r"^[+-]?\d+$"
# A number with a zero in front is a code (a postal code, a part number): as an integer it would lose the zero.
_CODE = r"^[+-]?0\d+$"
_CLOCK = r"^(-)?(\d+):([0-5]\d):([0-5]\d(?:\.\d{1,6})?)$"
_SAMPLE = 1000
NARROWEST_FIRST = (DType.BOOL, DType.INT, DType.FLOAT, DType.DATETIME)


def infer_text(texts: pl.Series, allowed: frozenset[DType], dialect: Dialect = PLAIN) -> DType | None:
    """Return the narrowest allowed type that every text reads as: bool, int, float, datetime, else string; None if all are null.

    Texts with a zero in front (`007`) and whole numbers beyond 64 bits stay texts, so that nothing is lost. A column whose dates have
    formats of their own is a datetime whatever its texts are.
    """
    if texts.name in dialect.formats:
        return DType.DATETIME
    present = texts.drop_nulls()
    if present.is_empty():
        return None
    left = surviving(present, allowed, dialect)
    return next((kind for kind in NARROWEST_FIRST if kind in left), DType.STRING)


def surviving(texts: pl.Series, candidates: frozenset[DType], dialect: Dialect = PLAIN) -> frozenset[DType]:
    """Return those of the types that every text reads as; nulls say nothing."""
    present = texts.drop_nulls()
    left = [kind for kind in NARROWEST_FIRST if kind in candidates and reads_as(present.head(_SAMPLE), kind, dialect).all()]
    distinct = present.unique() if left else present
    found: set[DType] = set()
    for kind in left:
        # Whatever reads as a whole number reads as a number.
        if (kind is DType.FLOAT and DType.INT in found) or reads_as(distinct, kind, dialect).all():
            found.add(kind)
    return frozenset(found)


def parse_text(texts: pl.Series, kind: DType, dialect: Dialect = PLAIN) -> pl.Series:
    """Return the values that texts say; null where a text says none.

    bool: true, false, 1, 0 in any case. int: digits, or a decimal that is whole. datetime: ISO 8601 date, or date and time, in the
    dialect's zone unless it has an offset. duration: hours:minutes:seconds.
    """
    if kind is DType.DATETIME:
        return moments(texts, dialect)
    return texts.to_frame().select(_parsed(pl.col(texts.name), kind, dialect).alias(texts.name)).to_series()


def _parsed(text: pl.Expr, kind: DType, dialect: Dialect) -> pl.Expr:
    if kind in (DType.INT, DType.FLOAT):
        text = plain_number(text, dialect)
    if kind is DType.BOOL:
        lower = text.str.to_lowercase()
        yes, no = (["true", "1"], ["false", "0"]) if dialect.digits_are_booleans else (["true"], ["false"])
        return pl.when(lower.is_in(yes)).then(True).when(lower.is_in(no)).then(False)
    if kind is DType.INT:
        number = text.cast(pl.Float64, strict=False)
        whole = pl.when((number.floor() == number) & (number.abs() < 2.0**53)).then(number).cast(pl.Int64, strict=False)
        return pl.coalesce(text.cast(pl.Int64, strict=False), whole)
    if kind is DType.FLOAT:
        return text.cast(pl.Float64, strict=False)
    return _parsed_clock(text) if kind is DType.DURATION else text


def reads_as(texts: pl.Series, kind: DType, dialect: Dialect = PLAIN) -> pl.Series:
    """Tell of each text whether it is taken for a bool, int, float or datetime when the column's type is not known; false for null."""
    if kind is DType.DATETIME:
        # A time that clocks skip or show twice is a time all the same: its row is to be set aside, not the column's type.
        return moments(texts, replace(dialect, timezone=None)).is_not_null()
    if kind is DType.BOOL:
        return texts.str.to_lowercase().is_in(["true", "false"]).fill_null(False)
    passes = _is_number(plain_number(pl.col(texts.name), dialect), kind)
    return texts.to_frame().select(passes.fill_null(False)).to_series()


def _is_number(text: pl.Expr, kind: DType) -> pl.Expr:
    coded = text.str.contains(_CODE)
    if kind is DType.INT:
        return text.cast(pl.Int64, strict=False).is_not_null() & ~coded
    too_long = text.str.contains(_DIGITS) & text.cast(pl.Int64, strict=False).is_null()
    return text.cast(pl.Float64, strict=False).is_not_null() & ~coded & ~too_long


def _parsed_clock(text: pl.Expr) -> pl.Expr:
    parts = text.str.extract_groups(_CLOCK)
    hours, minutes = parts.struct.field("2").cast(pl.Int64), parts.struct.field("3").cast(pl.Int64)
    seconds = parts.struct.field("4").cast(pl.Float64)
    total = (hours * 3600 + minutes * 60) * 1_000_000 + (seconds * 1_000_000).round().cast(pl.Int64)
    signed = pl.when(parts.struct.field("1").is_not_null()).then(-total).otherwise(total)
    return signed.cast(pl.Duration("us"))
