"""Compound operations written in primitives, so that both back-ends compute them by the same steps."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from headrace.expressions.primitives import Primitives, Typed
from headrace.expressions.types import DType

_EARTH_RADIUS_KM = 6371.0088
_PARTS = ("year", "month", "day", "hour", "minute", "second", "weekday", "day_of_year")
_UNITS_US = {"total_seconds": 1e6, "total_minutes": 6e7, "total_hours": 3.6e9}

Expansion = Callable[..., Typed]
Options = Mapping[str, Any]


def expand(primitives: Primitives, name: str, operands: list[Typed], options: Options) -> Typed | None:
    """Return a compound operation in primitives; None if it is a primitive itself."""
    if name == "same":
        return operands[0]
    if name in _SIMPLE:
        return _SIMPLE[name](primitives, *operands)
    if name in _PARTS:
        return _part(primitives, name, operands[0], options)
    if name in _UNITS_US:
        return primitives.number("truediv", primitives.number("microseconds", operands[0]), _UNITS_US[name])
    if name in ("cyclic_sin", "cyclic_cos"):
        angle = primitives.number("mul_float", operands[0], 2 * math.pi / options["period"])
        return primitives.number(name.removeprefix("cyclic_"), angle)
    if name == "log" and options["base"] is not None:
        return primitives.number("truediv", primitives.number("log", operands[0]), math.log(options["base"]))
    return None


def _part(primitives: Primitives, part: str, moment: Typed, options: Options) -> Typed:
    zone = options["tz"]
    return primitives.make(part, DType.INT, moment if zone == "UTC" else primitives.make("local", DType.DATETIME, moment, tz=zone))


def _power(primitives: Primitives, number: Typed, power: Typed) -> Typed:
    """Small whole powers are products and the half power is the root: quicker, and the same everywhere."""
    exponent = power.value if power.is_literal else None
    if exponent not in (2, 3, 4):
        return primitives.number("sqrt", number) if exponent == 0.5 else primitives.number("pow", number, power)
    square = primitives.number("mul_float", number, number)
    return square if exponent == 2 else primitives.number("mul_float", square, number if exponent == 3 else square)


def _add(primitives: Primitives, left: Typed, right: Typed) -> Typed:
    """A literal zero changes nothing, not even the sign of another zero: Polars takes this short cut."""
    if right.is_literal and right.value == 0:
        return left
    return right if left.is_literal and left.value == 0 else primitives.number("add_float", left, right)


def _subtract(primitives: Primitives, left: Typed, right: Typed) -> Typed:
    if right.is_literal and right.value == 0:
        return left
    return primitives.number("neg_float", right) if left.is_literal and left.value == 0 else primitives.number("sub_float", left, right)


def _ratio(primitives: Primitives, left: Typed, right: Typed) -> Typed:
    return primitives.number("truediv", primitives.number("microseconds", left), primitives.number("microseconds", right))


def _haversine(primitives: Primitives, *degrees: Typed) -> Typed:
    number = primitives.number
    latitude1, longitude1, latitude2, longitude2 = (number("mul_float", each, math.pi / 180) for each in degrees)

    def half_sine_squared(start: Typed, end: Typed) -> Typed:
        sine = number("sin", number("mul_float", number("sub_float", end, start), 0.5))
        return number("mul_float", sine, sine)

    cosines = number("mul_float", number("cos", latitude1), number("cos", latitude2))
    across = number("mul_float", cosines, half_sine_squared(longitude1, longitude2))
    share = number("add_float", half_sine_squared(latitude1, latitude2), across)
    capped = primitives.make("clip", DType.FLOAT, share, low=None, high=1.0)  # rounding may carry it above the sine's range
    return number("mul_float", number("arcsin", number("sqrt", capped)), 2 * _EARTH_RADIUS_KM)


_SIMPLE: dict[str, Expansion] = {
    "pow": _power,
    "add_float": _add,
    "sub_float": _subtract,
    "ratio": _ratio,
    "haversine_km": _haversine,
    "shift_by": lambda primitives, duration, moment: primitives.make("shift", DType.DATETIME, moment, duration),
    "mul_by_duration": lambda primitives, factor, duration: primitives.make("mul_duration", DType.DURATION, duration, factor),
}
