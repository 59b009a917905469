"""Regular expressions of Python in the syntax of Rust's `regex`, where both must agree.

Whether a whole text matches is a question about a regular language, so that greed and order of alternatives do not matter. What is
plainly regular (literals, classes, repetition, alternatives, groups; ASCII classes) is rewritten from Python's own parse of the pattern;
anything else (look-around, references, flags, boundaries, large repetitions) is left to Python.
"""

import re
from collections.abc import Iterable
from typing import Any

_MOST_REPEATS = 100
_LONGEST = 2000
_CLASSES = {
    "CATEGORY_DIGIT": "0-9", "CATEGORY_WORD": "0-9A-Za-z_", "CATEGORY_SPACE": r"\t\n\x0B\x0C\r ",
}  # fmt: skip


class _NotRegularError(Exception):
    """A part that has no counterpart."""


def rust_pattern(pattern: str) -> str | None:
    """Return an anchored pattern in Rust's syntax that matches the same whole texts, or None if Python must do it."""
    try:
        parsed = re._parser.parse(pattern, re.ASCII)  # type: ignore[attr-defined]  # missing from typeshed
        written = _sequence(parsed) if parsed.state.flags == re.ASCII else None
    except _NotRegularError:
        return None
    return None if written is None or len(written) > _LONGEST else rf"\A(?:{written})\z"


def _sequence(items: Iterable[Any]) -> str:
    return "".join(_item(str(kind), argument) for kind, argument in items)


def _item(kind: str, argument: Any) -> str:
    if kind == "LITERAL":
        return _character(argument)
    if kind == "NOT_LITERAL":
        return f"[^{_character(argument)}]"
    if kind == "ANY":
        return r"[^\n]"
    if kind == "IN":
        return _class(argument)
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        least, most, repeated = argument
        top = "" if str(most) == "MAXREPEAT" else int(most)
        if max(least, top or 0) > _MOST_REPEATS:
            raise _NotRegularError
        return f"(?:{_sequence(repeated)}){{{least},{top}}}"
    if kind == "SUBPATTERN" and argument[1:3] == (0, 0):
        return f"(?:{_sequence(argument[3])})"
    if kind == "BRANCH":
        return f"(?:{'|'.join(_sequence(branch) for branch in argument[1])})"
    raise _NotRegularError


def _class(items: Iterable[Any]) -> str:
    parts = []
    for kind, argument in items:
        if str(kind) == "NEGATE":
            parts.append("^")
        elif str(kind) == "LITERAL":
            parts.append(_character(argument))
        elif str(kind) == "RANGE":
            parts.append(f"{_character(argument[0])}-{_character(argument[1])}")
        elif str(kind) == "CATEGORY" and str(argument) in _CLASSES:
            parts.append(_CLASSES[str(argument)])
        else:
            raise _NotRegularError
    return f"[{''.join(parts)}]"


def _character(code: int) -> str:
    if 0xD800 <= code <= 0xDFFF:  # half of a surrogate pair, which no text in Polars has
        raise _NotRegularError
    return f"\\x{{{code:X}}}"
