"""One value of a request: from JSON to what the features take, or a message that says what was expected and what came."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.bundles.manifest import GivenField
from headrace.core.pseudonyms import pseudonymise
from headrace.expressions import DType
from headrace.serving.errors import InvalidValue

PlainReader = Callable[[object], object]
Reader = Callable[[object, int], object]
_SHOWN = 40
_INT64 = 1 << 63


class Unfit(Exception):
    """A value that a type does not take; the message says why, where that is not plain."""


def plain_reader(field: GivenField, key: bytes) -> PlainReader:
    """Return a function of values that are not null. It raises `Unfit`, which knows neither row nor field. Personal values are
    pseudonymised here."""
    return _personal(key) if field.personal else _READERS[field.dtype]


def field_reader(field: GivenField, key: bytes) -> Reader:
    """Return a function of (value, row number) for values that are not null.

    Personal values are never shown in a message.
    """
    read = plain_reader(field, key)
    expected = PERSONAL if field.personal else EXPECTED[field.dtype]

    def reader(value: object, row: int) -> object:
        try:
            return read(value)
        except Unfit as reason:
            came = f"{_kind(value)} (not shown: the field is personal)" if field.personal else describe(value)
            raise InvalidValue(row, field.name, f"{expected} or null", came, remedy=str(reason)) from None

    return reader


def describe(value: object) -> str:
    """Return a JSON value as a message shows it, cut short."""
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, str | int | float):
        text = repr(value)
        return f"{_kind(value)} {text if len(text) <= _SHOWN else text[:_SHOWN] + '...'}"
    return _kind(value)


def read_moment(value: object) -> datetime:
    """Return the moment that an ISO 8601 text with an offset says, in UTC.

    Raises:
        Unfit: if it says none, or says it without an offset.
    """
    if not isinstance(value, str):
        raise Unfit
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise Unfit(f"It has no offset from UTC: write {value}Z if it is UTC, else an offset such as {value}-05:00.")
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unfit from None


def _kind(value: object) -> str:
    kinds = {
        bool: "a truth value",
        int: "the number",
        float: "the number",
        str: "the text",
        list: "a list",
        dict: "an object",
        type(None): "null",
    }
    return kinds.get(type(value), type(value).__name__)


def _bool(value: object) -> object:
    if value is True or value is False:
        return value
    raise Unfit


def _int(value: Any) -> object:
    kind = type(value)
    if kind is float and value.is_integer():
        value = int(value)
    elif kind is not int:
        raise Unfit
    if not -_INT64 <= value < _INT64:
        raise Unfit("It does not fit in 64 bits.")
    return value


def _float(value: object) -> object:
    if type(value) is float:
        return value
    if type(value) is not int:
        raise Unfit
    try:
        return float(value)
    except OverflowError:
        raise Unfit("It is too large.") from None


def _string(value: object) -> object:
    if type(value) is str:
        return value
    raise Unfit


def _duration(value: object) -> object:
    seconds: Any = _float(value)
    try:
        return timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise Unfit("It is too large.") from None


def _personal(key: bytes) -> PlainReader:
    def read(value: object) -> object:
        if type(value) is str or type(value) is int:
            return pseudonymise(value, key)
        raise Unfit

    return read


_READERS: dict[DType, PlainReader] = {
    DType.BOOL: _bool, DType.INT: _int, DType.FLOAT: _float, DType.STRING: _string, DType.DATETIME: read_moment, DType.DURATION: _duration,
}  # fmt: skip

# As Python source: what is so needs no reading.
PLAINLY: dict[DType, str] = {
    DType.BOOL: "type(value) is bool",
    DType.INT: f"type(value) is int and {-_INT64} <= value < {_INT64}",
    DType.FLOAT: "type(value) is float",
    DType.STRING: "type(value) is str",
}

PERSONAL = "a plain text or integer, which is pseudonymised on arrival"
EXPECTED: dict[DType, str] = {
    DType.BOOL: "true or false",
    DType.INT: "an integer",
    DType.FLOAT: "a number",
    DType.STRING: "a text",
    DType.DATETIME: "an ISO 8601 moment with an offset, such as '2013-07-04T12:30:00Z'",
    DType.DURATION: "a number of seconds",
}
