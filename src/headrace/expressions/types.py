"""The types a value can have, and the Python values that stand for them."""

from datetime import datetime, timedelta
from enum import StrEnum

Value = bool | int | float | str | datetime | timedelta | None

INT_MIN, INT_MAX = -(2**63), 2**63 - 1


class DType(StrEnum):
    """A type of value. In Polars: Boolean, Int64, Float64, String, Datetime("us", "UTC"), Duration("us"), and Null for an untyped null."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STRING = "string"
    DATETIME = "datetime"
    DURATION = "duration"
    NULL = "null"


_OF_CLASS = {
    bool: DType.BOOL, int: DType.INT, float: DType.FLOAT, str: DType.STRING, datetime: DType.DATETIME, timedelta: DType.DURATION,
    type(None): DType.NULL,
}  # fmt: skip


def dtype_of(value: Value) -> DType:
    """Return the type of a literal's value."""
    return _OF_CLASS[type(value)]
