"""Names and texts as they stand in a generated file."""

import json
import re
from collections.abc import Iterable

_LASTING_ID = re.compile(r"(^|[\s_\-.])(?i:id|key|uuid|guid|number|no|nr|code)$|[a-z](I[Dd]|Number|No|Code)$")
_ID_NAME = re.compile(r"(^|[\s_\-.])(id|key|index|idx|uuid|guid|rownum|row)$|[a-z]I[Dd]$", re.IGNORECASE)


def is_called_an_id(name: str) -> bool:
    """Return whether a column's name says that it names something: rows of this file, or what lasts beyond it."""
    return may_be_row_id(name) or is_called_a_lasting_id(name)


def is_called_a_lasting_id(name: str) -> bool:
    """Return whether a column's name says that it names something in other files too; numbers of rows are none."""
    return _LASTING_ID.search(name) is not None


def may_be_row_id(name: str) -> bool:
    """Return whether a column's name says id or number of a row."""
    return _ID_NAME.search(name) is not None


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
