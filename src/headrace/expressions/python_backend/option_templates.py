"""Templates of the operations that have settings; a setting enters the code as a constant, by name, never as text."""

from collections.abc import Callable
from datetime import timedelta

from headrace.expressions.primitives import Typed
from headrace.expressions.python_backend.moment_functions import WEEK_US, parser, zone_of
from headrace.expressions.python_backend.text_functions import whole_match
from headrace.expressions.types import DType

Constant = Callable[[object], str]
Template = Callable[[Constant, Typed], str]


def _clip(constant: Constant, node: Typed) -> str:
    kind = float if node.dtype is DType.FLOAT else int
    low, high = (None if node.options[name] is None else constant(kind(node.options[name])) for name in ("low", "high"))
    above = f"{high} if {{0}} > {high} else {{0}}" if high else "{0}"
    return f"({low} if {{0}} < {low} else {above})" if low else f"({above})"


def _round(constant: Constant, node: Typed) -> str:
    decimals = node.options["decimals"]
    return f"round_decimals({{0}}, {constant(10.0**decimals)})" if decimals else "round_half_even({0})"


def _is_in(constant: Constant, node: Typed) -> str:
    return f"({{0}} in {constant(frozenset(node.options['choices']))})"


def _is_in_float(constant: Constant, node: Typed) -> str:
    choices = node.options["choices"]
    numbers = constant(frozenset(choice for choice in choices if choice == choice))
    return f"({{0}} in {numbers} or {{0}} != {{0}})" if any(choice != choice for choice in choices) else f"({{0}} in {numbers})"


def _slice(constant: Constant, node: Typed) -> str:
    offset, length = node.options["offset"], node.options["length"]
    if offset < 0:
        return f"slice_text({{0}}, {constant(offset)}, {constant(length)})"
    return f"{{0}}[{constant(slice(offset, None if length is None else offset + length))}]"


def _truncate(constant: Constant, node: Typed) -> str:
    every_us = node.options["every_us"]
    return f"truncate({{0}}, {constant(timedelta(microseconds=every_us))}, {constant(every_us % WEEK_US == 0)})"


def _calling(function: str, operands: int, *options: str) -> Template:
    """Call a function with the operands, then the options as they are."""
    places = [f"{{{number}}}" for number in range(operands)]
    return lambda constant, node: f"{function}({', '.join([*places, *(constant(node.options[name]) for name in options)])})"


def _zoned(function: str, operands: int) -> Template:
    places = ", ".join(f"{{{number}}}" for number in range(operands))
    return lambda constant, node: f"{function}({places}, {constant(zone_of(node.options['tz']))})"


OPTION_TEMPLATES: dict[str, Template] = {
    "clip": _clip,
    "round": _round,
    "is_in": _is_in,
    "is_in_float": _is_in_float,
    "slice": _slice,
    "truncate": _truncate,
    "replace_all": lambda constant, node: f"{{0}}.replace({constant(node.options['old'])}, {constant(node.options['new'])})",
    "matches": lambda constant, node: f"({constant(whole_match(node.options['pattern']))}({{0}}) is not None)",
    "parse_datetime": lambda constant, node: f"{constant(parser(node.options['format'], node.options['tz']))}({{0}})",
    "local": _zoned("local", 1),
    "datetime_of": _zoned("datetime_of", 5),
    "duration_of_int": _calling("duration_of_int", 1, "unit_us"),
    "duration_of_float": _calling("duration_of_float", 1, "unit_us"),
    "hash_bucket": _calling("hash_bucket", 1, "n", "seed"),
}
