"""The plain settings of operations, checked where they are written and again where they are read from JSON."""

import math
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any

from headrace.core.errors import suggest
from headrace.core.units import counted
from headrace.expressions.errors import ExpressionError
from headrace.expressions.fluent import Option
from headrace.expressions.formats import check_format
from headrace.expressions.signatures import OPERATIONS, arity
from headrace.expressions.types import INT_MAX, INT_MIN, DType

_MOST_DECIMALS = 15
_LONGEST_US = 100 * 366 * 86_400_000_000
_UNITS_US = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000)
Check = Callable[[Option], bool]


def _is_int(low: int, high: int) -> Check:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_number(value: Option) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and INT_MIN <= value <= INT_MAX


def _is_positive(value: Option) -> bool:
    return isinstance(value, int | float) and _is_number(value) and value > 0


def _is_zone(value: Option) -> bool:
    try:
        return isinstance(value, str) and bool(zoneinfo.ZoneInfo(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _is_pattern(value: Option) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value, re.ASCII))
    except (re.error, ValueError, OverflowError, RecursionError):
        return False


def _is_format(value: Option) -> bool:
    if isinstance(value, str):
        check_format(value)
    return isinstance(value, str)


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_ZONE = (_is_zone, 'a zone of the time zone database, such as "UTC" or "America/New_York"')
_POSITIVE = (_is_positive, "a number above zero")
_CASTS = (DType.BOOL, DType.INT, DType.FLOAT, DType.STRING)
_TEXT = (lambda value: isinstance(value, str), "a text")

_EXPECTED: dict[str, dict[str, tuple[Check, str]]] = {
    "cast": {"dtype": (lambda value: value in _CASTS, f"one of {', '.join(_CASTS)}; for moments parse_datetime, for durations seconds_of")},
    "hash_bucket": {"n": (_is_int(1, INT_MAX), "a whole number from 1"), "seed": (_is_int(0, INT_MAX), "a whole number from 0")},
    "log": {"base": (lambda value: value is None or (_is_positive(value) and value != 1), "a number above zero that is not 1")},
    "round": {"decimals": (_is_int(0, _MOST_DECIMALS), f"a whole number from 0 to {_MOST_DECIMALS}")},
    "clip": {"low": (_or_none(_is_number), "a finite number or None"), "high": (_or_none(_is_number), "a finite number or None")},
    "cyclic_sin": {"period": _POSITIVE},
    "cyclic_cos": {"period": _POSITIVE},
    "replace_all": {"old": (lambda value: isinstance(value, str) and value != "", "a text that is not empty"), "new": _TEXT},
    "slice": {
        "offset": (_is_int(-(2**62), 2**62), "a whole number"),
        "length": (_or_none(_is_int(0, 2**62)), "a whole number from 0, or None"),
    },
    "matches": {"pattern": (_is_pattern, "a regular expression in Python's syntax")},
    "parse_datetime": {"format": (_is_format, "a text"), "tz": _ZONE},
    "truncate": {"every_us": (_is_int(1, _LONGEST_US), "a duration of at most a hundred years")},
    "datetime_of": {"tz": _ZONE},
    "duration_of": {"unit_us": (lambda value: value in _UNITS_US, "a day, hour, minute or second")},
    **{part: {"tz": _ZONE} for part in ("year", "month", "day", "hour", "minute", "second", "weekday", "day_of_year")},
}  # fmt: skip


def check_options(operation: str, operands: int, options: Mapping[str, Option]) -> None:
    """Check that an operation exists, and its number of operands and settings.

    Raises:
        ExpressionError: which names the setting, its value and what is expected.
    """
    if operation not in OPERATIONS:
        raise ExpressionError(f"there is no operation {operation!r}.", remedy=suggest(operation, OPERATIONS))
    least, most = arity(operation)
    odd = operation == "when" and operands % 2 == 0
    if operands < least or (most is not None and operands > most) or odd:
        raise ExpressionError(
            f"{operation}() has {counted(operands, 'operand')}.", remedy=f"Expected {'at least ' if most is None else ''}{least}."
        )
    expected = _EXPECTED.get(operation, {})
    if set(options) != set(expected):
        raise ExpressionError(f"{operation}() has the settings {sorted(options)}.", remedy=f"Expected {sorted(expected)}.")
    for name, (check, meaning) in expected.items():
        if not check(options[name]):
            raise ExpressionError(f"{name} of {operation}() cannot be {options[name]!r}.", remedy=f"Expected {meaning}.")
    low: Any = options.get("low")
    high: Any = options.get("high")
    if operation == "clip" and ((low is None and high is None) or (low is not None and high is not None and low > high)):
        raise ExpressionError(f"the range of clip() cannot be ({low!r}, {high!r}).", remedy="Expected at least one bound, and low <= high.")
