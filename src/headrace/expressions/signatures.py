"""What each operation takes and gives: the one table that typing, error messages and the reading of JSON follow.

A line reads `operand types -> result [: primitive]`; the first line that fits holds. An integer passes where a float is asked for, a null
anywhere, and in arithmetic a boolean as 1 or 0. The primitive is the name that the two back-ends know; by default the operation's own.
"""

from typing import NamedTuple

from headrace.expressions.types import DType


class Signature(NamedTuple):
    """One way to call an operation."""

    operands: tuple[DType, ...]
    result: DType
    primitive: str


_ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "neg")
_PARTS = ("year", "month", "day", "hour", "minute", "second", "weekday", "day_of_year")
_FLOAT_FUNCTIONS = ("sqrt", "exp", "log", "log1p", "sin", "cos", "cyclic_sin", "cyclic_cos")

_LINES: dict[str, str] = {
    "add": """int int -> int : add_int
        float float -> float : add_float
        string string -> string : concat
        duration duration -> duration : add_duration
        datetime duration -> datetime : shift
        duration datetime -> datetime : shift_by""",
    "sub": """int int -> int : sub_int
        float float -> float : sub_float
        duration duration -> duration : sub_duration
        datetime duration -> datetime : shift_back
        datetime datetime -> duration : gap""",
    "mul": """int int -> int : mul_int
        float float -> float : mul_float
        duration int -> duration : mul_duration
        int duration -> duration : mul_by_duration""",
    "truediv": """float float -> float
        duration duration -> float : ratio""",
    "floordiv": """int int -> int : floordiv_int
        float float -> float : floordiv_float""",
    "mod": """int int -> int : mod_int
        float float -> float : mod_float""",
    "pow": "float float -> float",
    "neg": """int -> int : neg_int
        float -> float : neg_float
        duration -> duration : neg_duration""",
    "abs": """int -> int : abs_int
        float -> float : abs_float
        duration -> duration : abs_duration""",
    "and": "bool bool -> bool",
    "or": "bool bool -> bool",
    "not": "bool -> bool",
    "is_nan": "float -> bool",
    "round": """int -> int : same
        float -> float""",
    "floor": """int -> int : same
        float -> float""",
    "ceil": """int -> int : same
        float -> float""",
    "clip": """int -> int
        float -> float""",
    "lower": "string -> string",
    "upper": "string -> string",
    "strip": "string -> string",
    "len_chars": "string -> int",
    "contains": "string string -> bool",
    "starts_with": "string string -> bool",
    "ends_with": "string string -> bool",
    "replace_all": "string -> string",
    "slice": "string -> string",
    "matches": "string -> bool",
    "parse_datetime": "string -> datetime",
    "truncate": "datetime -> datetime",
    "datetime_of": "int int int int int -> datetime",
    "duration_of": """int -> duration : duration_of_int
        float -> duration : duration_of_float""",
    "total_seconds": "duration -> float",
    "total_minutes": "duration -> float",
    "total_hours": "duration -> float",
    "haversine_km": "float float float float -> float",
    "hash_bucket": """string -> int
        int -> int
        bool -> int""",
    **dict.fromkeys(_PARTS, "datetime -> int"),
    **dict.fromkeys(_FLOAT_FUNCTIONS, "float -> float"),
}

SIGNATURES: dict[str, tuple[Signature, ...]] = {}
# Operations whose operands share any one type: how many operands at least and at most (None: any number).
UNIFIED: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), (2, 2)),
    "is_between": (3, 3), "coalesce": (1, None), "max_of": (1, None), "min_of": (1, None), "is_in": (1, None),
}  # fmt: skip
# Operations with rules of their own: see `lowering`.
SPECIAL: dict[str, tuple[int, int | None]] = {
    "is_null": (1, 1),
    "is_not_null": (1, 1),
    "cast": (1, 1),
    "when": (3, None),
    "concat": (1, None),
}

FLAGS_COUNT = frozenset(_ARITHMETIC)


def _read(operation: str, line: str) -> Signature:
    types, _, rest = line.partition("->")
    result, _, primitive = rest.partition(":")
    return Signature(tuple(DType(word) for word in types.split()), DType(result.strip()), primitive.strip() or operation)


for _operation, _text in _LINES.items():
    SIGNATURES[_operation] = tuple(_read(_operation, line) for line in _text.splitlines())

OPERATIONS = frozenset(SIGNATURES) | frozenset(UNIFIED) | frozenset(SPECIAL)


def arity(operation: str) -> tuple[int, int | None]:
    """Return how many operands an operation takes at least and at most (None: any number)."""
    if operation in SIGNATURES:
        number = len(SIGNATURES[operation][0].operands)
        return number, number
    return UNIFIED.get(operation) or SPECIAL[operation]
