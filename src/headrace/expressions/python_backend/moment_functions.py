"""What generated code calls for moments and durations.

Zones come from the time zone database. From 2100 on, where nobody knows the rules, a zone keeps the offset it has at the end of 2099: in
both back-ends alike.
"""

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from headrace.core.moments import EPOCH
from headrace.expressions.formats import MONTHS, read_format
from headrace.expressions.types import INT_MAX, INT_MIN

DURATION_MIN, DURATION_MAX = timedelta(microseconds=INT_MIN), timedelta(microseconds=INT_MAX)
WEEK_US = 7 * 86_400_000_000
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_END_OF_RULES = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
_OPEN_YEAR = 2100
_YEAR_PIVOT = 69
_NOON = 12


def microseconds(duration: timedelta) -> int:
    """Return a duration in microseconds, exactly."""
    return (duration.days * 86400 + duration.seconds) * 1000000 + duration.microseconds


def duration_of_us(count: int) -> timedelta:
    """Return the duration of so many microseconds modulo 2**64, signed."""
    return timedelta(microseconds=(count - INT_MIN) % 2**64 + INT_MIN)


def multiply_duration(duration: timedelta, factor: int) -> timedelta:
    """Return a multiple of a duration; it wraps around like 64-bit microseconds."""
    return duration_of_us(microseconds(duration) * factor)


def duration_of_int(number: int, unit_us: int) -> timedelta | None:
    """Return so many units as a duration; None outside 64-bit microseconds."""
    count = number * unit_us
    return timedelta(microseconds=count) if INT_MIN <= count <= INT_MAX else None


def duration_of_float(number: float, unit_us: int) -> timedelta | None:
    """Return so many units as a duration, a half microsecond to the even one; None if not finite or outside 64-bit microseconds."""
    count = number * unit_us
    return timedelta(microseconds=round(count)) if -(2.0**63) <= count < 2.0**63 else None


def shift(moment: datetime, duration: timedelta) -> datetime | None:
    """Return the moment after a duration; None outside the years 1 to 9999."""
    try:
        return moment + duration
    except OverflowError:
        return None


def shift_back(moment: datetime, duration: timedelta) -> datetime | None:
    """Return the moment a duration before; None outside the years 1 to 9999."""
    try:
        return moment - duration
    except OverflowError:
        return None


def truncate(moment: datetime, every: timedelta, weekly: bool) -> datetime | None:
    """Return the moment moved down to a multiple of a duration; None before the year 1."""
    try:
        return moment - (moment - (_MONDAY if weekly else EPOCH)) % every
    except OverflowError:
        return None


def day_of_year(moment: datetime) -> int:
    """Return the day of the year, 1 to 366."""
    return moment.toordinal() - datetime(moment.year, 1, 1).toordinal() + 1  # noqa: DTZ001 - a day count needs no zone


@functools.cache
def open_offset(zone: tzinfo) -> timedelta:
    """Return the offset that a zone keeps from 2100 on."""
    return _END_OF_RULES.astimezone(zone).utcoffset() or timedelta(0)


def local(moment: datetime, zone: tzinfo) -> datetime | None:
    """Return the moment with its fields as a zone's clocks show them; None outside the years 1 to 9999."""
    try:
        return moment.astimezone(zone) if moment.year < _OPEN_YEAR else moment + open_offset(zone)
    except OverflowError:
        return None


def moment_of(clock: datetime, zone: tzinfo) -> datetime | None:
    """Return the moment at which a zone's clocks show this (a datetime without zone).

    The earlier where they show it twice; None where they skip it, and outside the years 1 to 9999.
    """
    try:
        if zone is UTC:
            return clock.replace(tzinfo=UTC)
        if clock.year >= _OPEN_YEAR:
            return (clock - open_offset(zone)).replace(tzinfo=UTC)
        moment = clock.replace(tzinfo=zone).astimezone(UTC)
        shown = local(moment, zone)
        return moment if shown is not None and shown.replace(tzinfo=None, fold=0) == clock else None
    except OverflowError:
        return None


def zone_of(name: str) -> tzinfo:
    """Return a zone; UTC is Python's own."""
    return UTC if name == "UTC" else ZoneInfo(name)


def datetime_of(year: int, month: int, day: int, hour: int, minute: int, zone: tzinfo) -> datetime | None:
    """Return the moment of a local time; None where there is no such day or time."""
    try:
        clock = datetime(year, month, day, hour, minute)  # noqa: DTZ001 - it is local to `zone`
    except (ValueError, OverflowError):
        return None
    return moment_of(clock, zone)


@functools.lru_cache(maxsize=256)
def parser(format: str, tz: str) -> Callable[[str], datetime | None]:
    """Return a function that reads moments in a format; it gives None for a text that does not fit wholly, or says no moment."""
    read = read_format(format)
    match, directives, zone = re.compile(read.pattern, re.ASCII).fullmatch, read.directives, zone_of(tz)

    def parse(text: str) -> datetime | None:
        found = match(text)
        if found is None:
            return None
        try:
            return _assemble(dict(zip(directives, found.groups(), strict=True)), zone)
        except (ValueError, OverflowError):
            return None

    return parse


def _assemble(parts: dict[str, str], zone: tzinfo) -> datetime | None:
    clock = datetime(_year(parts), _month(parts), int(parts.get("d", 1)), _hour(parts), int(parts.get("M", 0)), int(parts.get("S", 0)))  # noqa: DTZ001 - local
    if "f" in parts:
        clock = clock.replace(microsecond=int(parts["f"].ljust(6, "0")))
    if "j" in parts:
        day = clock + timedelta(days=int(parts["j"]) - 1)
        if day.year != clock.year or int(parts["j"]) == 0:
            return None
        clock = day
    if "z" not in parts:
        return moment_of(clock, zone)
    return shift_back(clock.replace(tzinfo=UTC), _offset(parts["z"]))


def _year(parts: dict[str, str]) -> int:
    if "Y" in parts:
        return int(parts["Y"])
    year = int(parts["y"])
    return year + (1900 if year >= _YEAR_PIVOT else 2000)


def _month(parts: dict[str, str]) -> int:
    name = parts.get("b") or parts.get("B")
    if name is None:
        return int(parts.get("m", 1))
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name.lower()))


def _hour(parts: dict[str, str]) -> int:
    if "I" not in parts:
        return int(parts.get("H", 0))
    hour = int(parts["I"])
    if not 1 <= hour <= _NOON:
        raise ValueError(f"{hour} is no hour of a twelve-hour clock")
    return hour % _NOON + (_NOON if parts["p"].lower() == "pm" else 0)


def _offset(text: str) -> timedelta:
    if text in "zZ":
        return timedelta(0)
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"{text} is no offset from UTC")
    size = timedelta(hours=hours, minutes=minutes)
    return -size if text[0] == "-" else size
