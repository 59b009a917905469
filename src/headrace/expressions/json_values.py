"""Plain values to and from JSON: what JSON has no form for is written as text or microseconds."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from headrace.core.moments import MICROSECOND, microseconds, moment_of
from headrace.expressions.errors import ExpressionError
from headrace.expressions.fluent import Option
from headrace.expressions.types import DType, Value

_CLASSES: dict[DType, type] = {
    DType.BOOL: bool, DType.INT: int, DType.FLOAT: float, DType.STRING: str, DType.DATETIME: int, DType.DURATION: int,
}  # fmt: skip

_CONVERT: dict[DType, Callable[[int], datetime | timedelta]] = {
    DType.DATETIME: moment_of,
    DType.DURATION: lambda count: count * MICROSECOND,
}


def _is_exactly(value: object, kind: type) -> bool:
    return type(value) is kind


def literal_to_json(value: Value) -> Any:
    """Return a literal as a JSON value: moments and durations in microseconds, floats that are not finite as text."""
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, timedelta):
        return value // MICROSECOND
    return option_to_json(value)


def option_to_json(value: Option) -> Any:
    """Return an option as a JSON value: floats that are not finite as text."""
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def literal_from_json(written: Any, dtype: DType) -> Value:
    """Read a literal of a type.

    Raises:
        ExpressionError: if the value is not of that type.
    """
    if dtype is DType.NULL and written is None:
        return None
    if dtype is DType.FLOAT and ((isinstance(written, int) and not isinstance(written, bool)) or written in ("nan", "inf", "-inf")):
        written = float(written)
    if dtype is DType.NULL or not _is_exactly(written, _CLASSES[dtype]):
        remedy = "The expression's JSON is damaged: build it again with to_json()."
        raise ExpressionError(f"{written!r:.80} is not a literal of type {dtype}.", remedy=remedy)
    return _CONVERT[dtype](written) if dtype in _CONVERT else written
