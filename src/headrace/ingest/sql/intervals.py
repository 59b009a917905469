"""Postgres' intervals as durations, unless they have no length."""

from datetime import timedelta

from psycopg import DataError
from psycopg.abc import Buffer
from psycopg.types.datetime import IntervalLoader


class StrictInterval(IntervalLoader):
    """Refuses months and years: how long they are depends on when."""

    def load(self, data: Buffer) -> timedelta:
        """Return the duration.

        Raises:
            DataError: if it has months or years in it.
        """
        text = bytes(data)
        if b"mon" in text or b"year" in text:
            raise DataError(f"the interval {text.decode()!r} has months or years, which are of no fixed length; write it in days")
        return super().load(data)
