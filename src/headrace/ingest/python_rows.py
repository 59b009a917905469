"""Rows of Python values as a frame, with nothing lost silently."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any
from uuid import UUID

import polars as pl

from headrace.ingest.column_types import plain_float
from headrace.ingest.errors import UnsupportedColumn

_LARGEST = 2**63
_EXACT = 2**53
_AS_TEXT = (bool, int, Decimal, UUID, IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network)
_US = pl.Datetime("us")
_KNOWN = {bool, int, float, Decimal, str, datetime, date, time, timedelta, UUID, dict, list}


def frame_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return rows of values as a frame, and what people should know of how they were read.

    Whole numbers, floats, booleans, texts, dates, times and durations stay what they are; moments with a zone become UTC; a `Decimal`
    becomes the nearest float, which a note says; UUIDs, network addresses and enums become texts, mappings and lists JSON. A column with
    values of several kinds becomes text as a whole.

    Raises:
        UnsupportedColumn: for bytes, whole numbers of more than 64 bits and whatever else, naming the column.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    notes: list[str] = []
    made = [_column(name, values, notes) for name, values in zip(names, columns, strict=True)]
    return pl.DataFrame(made), tuple(notes)


def _column(name: str, values: Sequence[Any], notes: list[str]) -> pl.Series:
    kinds = _kinds(values)
    if not kinds <= _KNOWN:
        values = [basic(value) for value in values]
        kinds = _kinds(values)
    if not kinds:
        return pl.Series(name, [None] * len(values), pl.Null)
    if Decimal in kinds and kinds <= {Decimal, int, float}:
        notes.append(f"{name}: decimals as floats")
        return pl.Series(name, [None if value is None else float(value) for value in values], pl.Float64)
    if kinds == {int, float} and all(abs(value) <= _EXACT for value in values if type(value) is int):
        return pl.Series(name, values, pl.Float64, strict=False)
    if len(kinds) == 1:
        return _of_one_kind(name, values, kinds.pop())
    if kinds == {datetime, date}:  # as in Excel, where midnight is a date
        return _moments(name, [value if isinstance(value, datetime | None) else datetime.combine(value, time()) for value in values])
    notes.append(f"{name}: {' and '.join(sorted(kind.__name__ for kind in kinds))} as texts")
    return pl.Series(name, [as_text(name, value) for value in values], pl.String)


def _kinds(values: Sequence[Any]) -> set[type]:
    return {type(value) for value in values} - {type(None)}


def basic(value: Any) -> Any:
    """Return a value of a class made from one of Python's own, or of NumPy's, as that one."""
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return value.item()
    if isinstance(value, Enum):
        return value
    return next((basic(value) for basic in (str, float, int) if isinstance(value, basic) and not isinstance(value, bool)), value)


def _of_one_kind(name: str, values: Sequence[Any], kind: type) -> pl.Series:
    if kind is bool:
        return pl.Series(name, values, pl.Boolean)
    if kind is int:
        if any(value is not None and not -_LARGEST <= value < _LARGEST for value in values):
            raise UnsupportedColumn(name, "a whole number of more than 64 bits")
        return pl.Series(name, values, pl.Int64)
    if kind is float:
        return pl.Series(name, values, pl.Float64)
    if kind is str:
        return pl.Series(name, values, pl.String)
    if kind is datetime:
        return _moments(name, values)
    if kind is date:
        return pl.Series(name, values, pl.Date)
    if kind is timedelta:
        return pl.Series(name, values, pl.Duration("us"))
    if kind is time:
        return pl.Series(name, values, pl.Time)
    return pl.Series(name, [as_text(name, value) for value in values], pl.String)


def _moments(name: str, values: Sequence[datetime | None]) -> pl.Series:
    aware = {value.tzinfo is not None for value in values if value is not None}
    if aware == {False}:
        return pl.Series(name, values, _US)
    if aware == {True}:
        return pl.Series(name, values, pl.Datetime("us", "UTC"))
    return pl.Series(name, [as_text(name, value) for value in values], pl.String)


def as_text(name: str, value: Any) -> str | None:
    """Return a value as it stands in a column of texts.

    Raises:
        UnsupportedColumn: if it has no text.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return plain_float(value)
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    raise UnsupportedColumn(name, f"of {type(value).__name__}")
