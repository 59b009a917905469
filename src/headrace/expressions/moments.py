"""Methods on moments (UTC, microseconds, years 1 to 9999) and durations. What would leave those years is null."""

from datetime import timedelta
from typing import TYPE_CHECKING

from headrace.core.moments import MICROSECOND
from headrace.core.units import parse_duration
from headrace.expressions.fluent import Fluent

if TYPE_CHECKING:
    from headrace.expressions.tree import Expr


class MomentMethods(Fluent):
    """Parts of moments, in UTC or in a zone such as "America/New_York"; truncation; lengths of durations."""

    __slots__ = ()

    def year(self, tz: str = "UTC") -> "Expr":
        """The year."""
        return self._call("year", tz=tz)

    def month(self, tz: str = "UTC") -> "Expr":
        """The month, 1 to 12."""
        return self._call("month", tz=tz)

    def day(self, tz: str = "UTC") -> "Expr":
        """The day of the month, 1 to 31."""
        return self._call("day", tz=tz)

    def hour(self, tz: str = "UTC") -> "Expr":
        """The hour, 0 to 23."""
        return self._call("hour", tz=tz)

    def minute(self, tz: str = "UTC") -> "Expr":
        """The minute, 0 to 59."""
        return self._call("minute", tz=tz)

    def second(self, tz: str = "UTC") -> "Expr":
        """The second, 0 to 59."""
        return self._call("second", tz=tz)

    def weekday(self, tz: str = "UTC") -> "Expr":
        """The day of the week, 1 (Monday) to 7."""
        return self._call("weekday", tz=tz)

    def day_of_year(self, tz: str = "UTC") -> "Expr":
        """The day of the year, 1 to 366."""
        return self._call("day_of_year", tz=tz)

    def truncate(self, every: str | timedelta) -> "Expr":
        """The moment moved down to a multiple of a duration such as "15m", "1d", "1w".

        Multiples count from 1970-01-01 UTC; those of whole weeks from a Monday.
        """
        return self._call("truncate", every_us=parse_duration(every) // MICROSECOND)

    def total_seconds(self) -> "Expr":
        """A duration in seconds, with its fraction."""
        return self._call("total_seconds")

    def total_minutes(self) -> "Expr":
        """A duration in minutes, with its fraction."""
        return self._call("total_minutes")

    def total_hours(self) -> "Expr":
        """A duration in hours, with its fraction."""
        return self._call("total_hours")
