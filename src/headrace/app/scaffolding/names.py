"""Names and texts as they stand in a generated file."""

import json
import re
from collections.abc import Iterable


def quoted(value: object) -> str:
    """Return a Python literal, on one line, with double quotes for texts."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def one_line(text: str) -> str:
    """Return a text that can stand in a comment, whatever a column is called."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def as_name(text: str) -> str:
    """Return a Python name made from any text: itself if it is one, else in lower case with underscores.

    >>> as_name("Sepal length (cm)")
    'sepal_length_cm'
    """
    if text.isidentifier():
        return text
    name = re.sub(r"\W+", "_", text).strip("_").lower() or "column"
    return name if name[0].isalpha() else f"c_{name}"


def as_table_name(text: str) -> str:
    """Return a name that a table, model or project may have: ASCII letters, digits and underscores, a letter first."""
    name = re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_") or "data"
    return name if name[0].isalpha() else f"t_{name}"


def distinct_name(text: str, taken: Iterable[str]) -> str:
    """Return a Python name made from a text that is none of those taken."""
    name, number, used = as_name(text), 2, set(taken)
    while name in used:
        name, number = f"{as_name(text)}_{number}", number + 1
    return name
