"""Expressions as people read them: close to what they wrote."""

from collections.abc import Mapping

from headrace.expressions.fluent import Option

_INFIX = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "eq": "==", "ne": "!=", "lt": "<",
    "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|",
}  # fmt: skip
_PREFIX = {"neg": "-", "not": "~"}
_FUNCTIONS = ("coalesce", "concat", "max_of", "min_of", "datetime_of", "haversine_km")
_DURATIONS: dict[Option, str] = {86_400_000_000: "days_of", 3_600_000_000: "hours_of", 60_000_000: "minutes_of", 1_000_000: "seconds_of"}


def name_of(operation: str) -> str:
    """Return an operation as people name it: an operator's sign, or the function's name."""
    return _INFIX.get(operation) or _PREFIX.get(operation) or operation


def call_text(operation: str, arguments: list[str], options: Mapping[str, Option]) -> str:
    """Return an operation as text, given its operands as text."""
    if operation in _INFIX:
        return f"({arguments[0]} {_INFIX[operation]} {arguments[1]})"
    if operation in _PREFIX:
        return f"{_PREFIX[operation]}{arguments[0]}"
    if operation == "when":
        pairs = "".join(f".when({condition}).then({value})" for condition, value in zip(arguments[:-1:2], arguments[1:-1:2], strict=True))
        return f"{pairs[1:]}.otherwise({arguments[-1]})"
    if operation == "duration_of":
        return f"{_DURATIONS[options['unit_us']]}({arguments[0]})"
    if operation == "is_in":
        return f"{arguments[0]}.is_in([{', '.join(arguments[1:])}])"
    shown = [f"{name}={value!r}" for name, value in options.items() if value is not None and (name, value) != ("tz", "UTC")]
    if len(options) == 1 and shown:
        shown = [shown[0].partition("=")[2]] if "tz" not in options else shown
    if operation in _FUNCTIONS:
        return f"{operation}({', '.join(arguments + shown)})"
    return f"{arguments[0]}.{operation}({', '.join(arguments[1:] + shown)})"
