"""Formats of moments written as text: what the directives accept, as a regular expression over ASCII."""

import re
from typing import NamedTuple

from headrace.expressions.errors import ExpressionError

_SHORTHANDS = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M"}
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_PATTERNS = {
    "Y": r"[0-9]{4}", "m": r"[0-9]{1,2}", "d": r"[0-9]{1,2}", "H": r"[0-9]{1,2}", "I": r"[0-9]{1,2}", "M": r"[0-5]?[0-9]",
    "S": r"[0-5]?[0-9]", "f": r"[0-9]{1,6}", "y": r"[0-9]{2}", "j": r"[0-9]{3}", "b": "|".join(month[:3] for month in MONTHS),
    "B": "|".join(MONTHS), "p": r"am|pm", "z": r"[zZ]|[+-][0-9]{2}:?[0-9]{2}",
}  # fmt: skip
_WORDS = frozenset("bBp")


class DateFormat(NamedTuple):
    """A format, read: a pattern whose group N holds the directive `directives[N-1]`, and whether its parts can be told apart by eye."""

    pattern: str
    directives: str
    separated: bool


def read_format(text: str) -> DateFormat:
    """Return what a format accepts.

    `separated` is true where only %Y %m %d %H %M %S are used, each once, with something that is no digit or % between them.

    Raises:
        ExpressionError: for a directive that is not known or given twice, or a format without a date.
    """
    for letter, meaning in _SHORTHANDS.items():
        text = text.replace(f"%{letter}", meaning)
    pattern, directives, plain = [], [], [""]
    position = 0
    while position < len(text):
        letter = text[position]
        if letter != "%" or text[position : position + 2] == "%%":
            pattern.append(re.escape(letter))
            plain[-1] += letter
            position += 1 + (letter == "%")
            continue
        directive = text[position + 1 : position + 2]
        if directive not in _PATTERNS or not directive or directive in directives:
            trouble = f"%{directive} twice" if directive in directives else f"the unknown directive %{directive}"
            valid = " ".join(f"%{known}" for known in (*_PATTERNS, *_SHORTHANDS))
            raise ExpressionError(f"the format {text!r} has {trouble}.", remedy=f"Valid, each once: {valid} and %%.")
        pattern.append(f"((?i:{_PATTERNS[directive]}))" if directive in _WORDS else f"({_PATTERNS[directive]})")
        directives.append(directive)
        plain.append("")
        position += 2
    between = plain[1:-1]
    separated = set(directives) <= set("YmdHMS") and all(gap and not re.search(r"[0-9%\s]", gap.replace(" ", "_")) for gap in between)
    edges = "%" in plain[0] + plain[-1]
    return DateFormat("".join(pattern), "".join(directives), separated and not edges and {"Y", "m", "d"} <= set(directives))


def check_format(text: str) -> None:
    """Check that a format says a date.

    Raises:
        ExpressionError: if it lacks the year, or the month or day that a year needs.
    """
    found = set(read_format(text).directives)
    dated = bool(found & set("Yy")) and ("j" in found or bool(found & set("mbB")) or not found & set("d"))
    if not dated or ("I" in found) != ("p" in found) or {"H", "I"} <= found:
        raise ExpressionError(
            f"the format {text!r} does not say a moment.",
            remedy="It needs a year (%Y or %y), a month if it has a day, and %p just with %I.",
        )
