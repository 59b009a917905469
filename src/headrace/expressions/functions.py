"""Functions that begin an expression from several others. A text argument is a text, not a column's name: write `col("x")` for columns."""

from collections.abc import Callable
from typing import Any

from headrace.expressions.errors import ExpressionError
from headrace.expressions.tree import Expr, Udf, call, lit
from headrace.expressions.types import DType


def coalesce(*values: object) -> Expr:
    """The first value that is not null."""
    return call("coalesce", *values)


def concat(*texts: object) -> Expr:
    """The texts joined; null if one is null."""
    return call("concat", *texts)


def max_of(*values: object) -> Expr:
    """The greatest of the values, nulls left out; NaN only if there is nothing else."""
    return call("max_of", *values)


def min_of(*values: object) -> Expr:
    """The least of the values, nulls left out; NaN only if there is nothing else."""
    return call("min_of", *values)


def datetime_of(year: object, month: object, day: object, hour: object = 0, minute: object = 0, tz: str = "UTC") -> Expr:
    """The moment of a local time in a zone; null where there is no such day or time.

    A local time that daylight saving skips gives null; one that it repeats means the earlier.
    """
    return call("datetime_of", year, month, day, hour, minute, tz=tz)


def days_of(number: object) -> Expr:
    """A number as a duration of so many days of 24 hours, to the microsecond; null if it is not finite or too large."""
    return call("duration_of", number, unit_us=86_400_000_000)


def hours_of(number: object) -> Expr:
    """A number as a duration in hours, to the microsecond; null if it is not finite or too large."""
    return call("duration_of", number, unit_us=3_600_000_000)


def minutes_of(number: object) -> Expr:
    """A number as a duration in minutes, to the microsecond; null if it is not finite or too large."""
    return call("duration_of", number, unit_us=60_000_000)


def seconds_of(number: object) -> Expr:
    """A number as a duration in seconds, to the microsecond; null if it is not finite or too large."""
    return call("duration_of", number, unit_us=1_000_000)


def haversine_km(latitude1: object, longitude1: object, latitude2: object, longitude2: object) -> Expr:
    """The great-circle distance in kilometres between two places given in degrees.

    The haversine formula (Sinnott, Sky and Telescope 68, 1984) on a sphere of the Earth's mean radius, 6371.0088 km (IUGG).
    """
    return call("haversine_km", latitude1, longitude1, latitude2, longitude2)


def udf(function: Callable[..., Any], returns: DType | str, *arguments: object) -> Expr:
    """Any Python function of one row's values, at its own speed, once a row. Null arguments arrive as None.

    It must return a value of the type promised, or None. It is serialised by its name (`module:qualname`), which must lead to it; the
    code itself travels nowhere, so that a bundle executes none.
    """
    if not callable(function):
        raise ExpressionError(f"udf() takes a function, not {function!r}.", remedy="Write udf(function, 'float', col('x')).")
    name = f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', type(function).__qualname__)}"
    return Udf(function, name, value_type(returns), tuple(lit(argument) for argument in arguments))


def value_type(name: DType | str) -> DType:
    """Return the type of that name; `null` is none that can be asked for."""
    if name not in set(DType) - {DType.NULL}:
        raise ExpressionError(f"there is no type {name!r}.", remedy=f"Valid: {', '.join(set_of_types())}.")
    return DType(name)


def set_of_types() -> tuple[str, ...]:
    """The names of the types that can be asked for."""
    return tuple(kind.value for kind in DType if kind is not DType.NULL)


class When:
    """A condition that waits for its value."""

    __slots__ = ("_condition", "_so_far")

    def __init__(self, so_far: tuple[object, ...], condition: object) -> None:
        self._so_far = so_far
        self._condition = condition

    def then(self, value: object) -> "Then":
        """Give the value where the condition is true."""
        return Then((*self._so_far, self._condition, value))


class Then:
    """Conditions with their values; `otherwise` makes the expression."""

    __slots__ = ("_so_far",)

    def __init__(self, so_far: tuple[object, ...]) -> None:
        self._so_far = so_far

    def when(self, condition: object) -> When:
        """Add a condition, asked where none before it is true."""
        return When(self._so_far, condition)

    def otherwise(self, value: object) -> Expr:
        """Give the value where no condition is true; a null condition is not true."""
        return call("when", *self._so_far, value)


def when(condition: object) -> When:
    """Begin a choice: `when(c).then(a).when(d).then(b).otherwise(z)`."""
    return When((), condition)
