"""Texts that are dates in a format that is not read by itself."""

import polars as pl

from headrace.expressions import DType, col
from headrace.expressions.polars_backend.compile import to_polars

_DATES = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d")
_FORMATS = tuple(date + time for date in _DATES for time in ("", " %H:%M", " %H:%M:%S"))
_LOOK = r"^[0-9]{1,4}[/.][0-9]{1,2}[/.][0-9]{1,4}"
_MOSTLY = 0.95


def date_formats(values: pl.Series) -> tuple[str, ...]:
    """Return the formats that at least 95 % of the texts have, the first of which is to be tried.

    There are two where no day is above the twelfth, so that days and months cannot be told apart.
    """
    if values.dtype != pl.String:
        return ()
    texts = values.drop_nulls().to_frame("text")
    looks = texts["text"].str.contains(_LOOK).mean()
    if not isinstance(looks, float) or looks < _MOSTLY:
        return ()
    return tuple(format for format in _FORMATS if _fits(texts, format))


def _fits(texts: pl.DataFrame, format: str) -> bool:
    parsed = texts.select(to_polars(col("text").parse_datetime(format), {"text": DType.STRING}))
    return 1 - parsed.to_series().null_count() / texts.height >= _MOSTLY
