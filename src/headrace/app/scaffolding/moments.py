"""Which parts of a moment a first model uses."""

from datetime import datetime, timedelta

import polars as pl

_TWO_YEARS = timedelta(days=730)
NO_MONTH = "no month, for its dates span less than two years, in which a month is a stretch of time and no season"


def parts_that_vary(values: pl.Series) -> tuple[str, ...]:
    """Return those of month, weekday and hour that differ between values; months only where dates span two years.

    Years are left out, for the next one is always new.
    """
    present = values.drop_nulls()
    parts = {"weekday": present.dt.weekday(), "hour": present.dt.hour()}
    if spans_two_years(present):
        parts = {"month": present.dt.month(), **parts}
    return tuple(name for name, part in parts.items() if part.n_unique() > 1)


def spans_two_years(values: pl.Series) -> bool:
    """Return whether seasons can be told from the passing of time."""
    low, high = values.min(), values.max()
    return isinstance(low, datetime) and isinstance(high, datetime) and high - low >= _TWO_YEARS
