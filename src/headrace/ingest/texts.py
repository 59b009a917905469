"""Reading values out of texts: which type a column of texts has, and its values as that type."""

import polars as pl

from headrace.expressions import DType

_DIGITS = r"^[+-]?\d+$"
# A number with a zero in front is a code (a postal code, a part number): as an integer it would lose the zero.
_CODE = r"^[+-]?0\d+$"
_ISO = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?)?$"
_CLOCK = r"^(-)?(\d+):([0-5]\d):([0-5]\d(?:\.\d{1,6})?)$"
_SAMPLE = 1000
_NARROWEST_FIRST = (DType.BOOL, DType.INT, DType.FLOAT, DType.DATETIME)


def infer_text(texts: pl.Series, allowed: frozenset[DType]) -> DType | None:
    """Return the narrowest allowed type that every text reads as: bool, int, float, datetime, else string; None if all are null.

    Texts with a zero in front (`007`) and whole numbers beyond 64 bits stay texts, so that nothing is lost.
    """
    present = texts.drop_nulls()
    if present.is_empty():
        return None
    candidates = [kind for kind in _NARROWEST_FIRST if kind in allowed and _reads_as(present.head(_SAMPLE), kind)]
    distinct = present.unique() if candidates else present
    for kind in candidates:
        if _reads_as(distinct, kind):
            return kind
    return DType.STRING


def parse_text(texts: pl.Series, kind: DType) -> pl.Series:
    """Return the values that texts say; null where a text says none.

    bool: true, false, 1, 0 in any case. int: digits, or a decimal that is whole. datetime: ISO 8601 date, or date and time, UTC unless it
    has an offset. duration: hours:minutes:seconds.
    """
    column = pl.col(texts.name)
    return texts.to_frame().select(_parsed(column, kind).alias(texts.name)).to_series()


def _parsed(text: pl.Expr, kind: DType) -> pl.Expr:
    if kind is DType.BOOL:
        lower = text.str.to_lowercase()
        return pl.when(lower.is_in(["true", "1"])).then(True).when(lower.is_in(["false", "0"])).then(False)
    if kind is DType.INT:
        number = text.cast(pl.Float64, strict=False)
        whole = pl.when((number.floor() == number) & (number.abs() < 2.0**53)).then(number).cast(pl.Int64, strict=False)
        return pl.coalesce(text.cast(pl.Int64, strict=False), whole)
    if kind is DType.FLOAT:
        return text.cast(pl.Float64, strict=False)
    if kind is DType.DATETIME:
        return _parsed_datetime(text)
    return _parsed_clock(text) if kind is DType.DURATION else text


def _reads_as(present: pl.Series, kind: DType) -> bool:
    text = pl.col(present.name)
    if kind is DType.BOOL:
        passes = text.str.to_lowercase().is_in(["true", "false"])
    elif kind is DType.INT:
        passes = text.cast(pl.Int64, strict=False).is_not_null() & ~text.str.contains(_CODE)
    elif kind is DType.FLOAT:
        code = text.str.contains(_CODE) | (text.str.contains(_DIGITS) & text.cast(pl.Int64, strict=False).is_null())
        passes = text.cast(pl.Float64, strict=False).is_not_null() & ~code
    else:
        passes = _parsed_datetime(text).is_not_null()
    return bool(present.to_frame().select(passes.all()).item())


def _parsed_datetime(text: pl.Expr) -> pl.Expr:
    parts = text.str.extract_groups(_ISO)
    offset = parts.struct.field("5").fill_null("Z").str.replace("Z", "+0000", literal=True).str.replace(":", "", literal=True)
    clock = parts.struct.field("2").fill_null("00:00") + parts.struct.field("3").fill_null(":00")
    written = parts.struct.field("1") + "T" + clock + parts.struct.field("4").fill_null("") + offset
    return written.str.strptime(pl.Datetime("us", "UTC"), "%Y-%m-%dT%H:%M:%S%.f%z", strict=False)


def _parsed_clock(text: pl.Expr) -> pl.Expr:
    parts = text.str.extract_groups(_CLOCK)
    hours, minutes = parts.struct.field("2").cast(pl.Int64), parts.struct.field("3").cast(pl.Int64)
    seconds = parts.struct.field("4").cast(pl.Float64)
    total = (hours * 3600 + minutes * 60) * 1_000_000 + (seconds * 1_000_000).round().cast(pl.Int64)
    signed = pl.when(parts.struct.field("1").is_not_null()).then(-total).otherwise(total)
    return signed.cast(pl.Duration("us"))
