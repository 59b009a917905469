"""Users' own functions: their names, and the promise that each value they return has the type declared."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.expressions.errors import UdfError
from headrace.expressions.types import INT_MAX, INT_MIN, DType, Value

_CLASSES: dict[DType, type] = {
    DType.BOOL: bool, DType.INT: int, DType.FLOAT: float, DType.STRING: str, DType.DATETIME: datetime, DType.DURATION: timedelta,
}  # fmt: skip


def check_importable(function: Callable[..., Any] | None, name: str) -> None:
    """Check that `module:qualname` leads to the function, looking only at modules that are already imported.

    Raises:
        UdfError: if it does not, so that its name could not stand for it.
    """
    if function is None:
        return
    module_name, _, path = name.partition(":")
    found: Any = sys.modules.get(module_name)
    for part in path.split("."):
        found = getattr(found, part, None)
    if found is not function or module_name == "__main__":
        raise UdfError(
            f"the function {name} cannot be stored by its name.", remedy="Define it with def at the top of a module that can be imported."
        )


def checked(function: Callable[..., Any] | None, name: str, returns: DType) -> Callable[..., Value]:
    """Return the function with each value checked: an integer passes for a float, a moment is turned to UTC.

    Raises:
        UdfError: at once if the function is not there; when called, if it returns a value of another type.
    """
    if function is None:
        raise UdfError(
            f"the function {name} is known by name only.",
            remedy="An expression read from JSON runs no code: substitute a udf() of the function.",
        )
    kind = _CLASSES[returns]

    def call(*values: Value) -> Value:
        result = function(*values)
        return None if result is None else _converted(result, kind, name)

    return call


def _converted(result: object, kind: type, name: str) -> Value:
    if isinstance(result, bool):
        if kind is bool:
            return result
    elif kind is float and isinstance(result, int | float):
        return float(result)
    elif kind is int and isinstance(result, int) and INT_MIN <= result <= INT_MAX:
        return int(result)
    elif kind is str and isinstance(result, str):
        return str(result)
    elif kind is datetime and isinstance(result, datetime) and result.tzinfo is not None:
        return result.astimezone(UTC)
    elif kind is timedelta and isinstance(result, timedelta):
        return result
    promised = "a moment with a zone" if kind is datetime else kind.__name__
    problem = f"the function {name} returned {result!r:.80} of type {type(result).__name__}."
    raise UdfError(problem, remedy=f"It promised {promised} or None: change what it returns, or the type in udf().")
