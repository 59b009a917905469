"""Durations, sizes and counts as people write them."""

import re
from datetime import timedelta

from headrace.core.errors import UserError

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST = timedelta(days=3_652_425)
"""Ten thousand years: no two moments are further apart, and no sum of a moment and a duration leaves 64 bits."""
_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)")


def parse_duration(text: str | timedelta, *, zero: bool = False) -> timedelta:
    """Return the duration that a text such as `3h`, `45d`, `90m` or `1d12h` says; a timedelta is returned as it is.

    Raises:
        UserError: if the text is none, or the duration is not above zero (`zero` allows that), or longer than ten thousand years.
    """
    if isinstance(text, timedelta):
        duration = text
    else:
        parts = _PART.findall(text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            remedy = "Write a number and a unit (us, ms, s, m, h, d, w), such as '3h', '45d' or '1d12h'."
            raise UserError(f"{text!r} is not a duration.", remedy=remedy)
        counts = [float(number) * _SECONDS[unit] * 1e6 for number, unit in parts]
        fits = sum(counts) <= _LONGEST.total_seconds() * 1e6
        duration = timedelta(microseconds=sum(map(round, counts))) if fits else timedelta.max
    if duration > _LONGEST:
        raise UserError(f"the duration {text!r} is longer than ten thousand years.", remedy="Write a shorter one, such as '36500d'.")
    if duration < timedelta(0) or not (duration or zero):
        raise UserError(f"the duration {text!r} is not above zero.", remedy="Write a positive duration, such as '3h'.")
    return duration


def format_duration(duration: timedelta) -> str:
    """Return the shortest text that `parse_duration` reads back."""
    left = round(duration.total_seconds() * 1e6)
    parts = []
    for unit in ("w", "d", "h", "m", "s", "ms", "us"):
        size = round(_SECONDS[unit] * 1e6)
        if left >= size and not (unit == "w" and left % size):
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts) or "0s"


def format_age(duration: timedelta) -> str:
    """Return how long ago something was, to the second if that is ten seconds or more."""
    return format_duration(timedelta(seconds=int(duration.total_seconds())) if duration >= timedelta(seconds=10) else duration)


def format_bytes(size_bytes: float) -> str:
    """Return a size for a person, in powers of 1024."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size_bytes) < 1024:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} TiB"


def counted(number: int, noun: str, many: str = "") -> str:
    """Return a number with its noun; `many` is said of all numbers but one, the noun with an s if it is not given.

    >>> counted(1, "row"), counted(1200, "row"), counted(0, "row is", "rows are")
    ('1 row', '1,200 rows', '0 rows are')
    """
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def every(number: int, noun: str) -> str:
    """Return how all of several things are named.

    >>> every(1, "row"), every(1200, "row")
    ('the one row', 'all 1,200 rows')
    """
    return f"the one {noun}" if number == 1 else f"all {counted(number, noun)}"


def days(number: float) -> timedelta:
    """Return so many days of 24 hours."""
    return timedelta(days=number)


def hours(number: float) -> timedelta:
    """Return so many hours."""
    return timedelta(hours=number)


def minutes(number: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=number)
