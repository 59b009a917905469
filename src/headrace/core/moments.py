"""Moments as numbers: microseconds since 1970, as tables, states and messages hold them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Return a moment as microseconds since 1970.

    >>> microseconds(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC))
    -1000000
    """
    return (moment - EPOCH) // MICROSECOND


def moment_of(count: int) -> datetime:
    """Return the moment that so many microseconds since 1970 are.

    Raises:
        OverflowError: for one before the year 1 or after 9999.
    """
    return EPOCH + count * MICROSECOND
