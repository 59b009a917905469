"""From the objects of an answer to columns. Nothing is guessed: what has no one plain type is kept as text."""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import msgspec
import polars as pl

from headrace.ingest.column_types import plain_float

_INT64 = range(-(2**63), 2**63)
_EXACT = range(-(2**53), 2**53 + 1)
Row = dict[str, Any]
Rows = list[Row]
_JSON = msgspec.json.Encoder(order="sorted")


def flattened(row: Mapping[str, Any], names: Set[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give a row's fields, those of named objects as `object.field`; a named object that is null or empty has none.

    >>> dict(flattened({"id": 1, "by": {"name": "Ada", "at": {"x": 1}}}, {"by"}))
    {'id': 1, 'by.name': 'Ada', 'by.at': {'x': 1}}
    """
    for key, value in row.items():
        name = prefix + key
        if name in names and isinstance(value, dict):
            yield from flattened(value, names, f"{name}.")
        elif name not in names or value is not None:
            yield name, value


def frame_of(rows: Rows) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return rows as a frame, columns in the order in which they first come up, and notes on those that were kept as texts.

    A column is of booleans, 64-bit integers, floats or texts if all its values are; objects and lists become JSON texts. Integers
    beyond 64 bits, integers that a float among them would round, and values of several kinds become texts too.
    """
    names: Row = {}
    for row in rows:
        names.update(row)  # which keeps the place of a name that is there
    columns, notes = [], []
    for name in names:
        values = [row.get(name) for row in rows]
        kinds = set(map(type, values)) - {type(None)}
        dtype, why = _type_of(values, kinds)
        if why:
            notes.append(f"column {name!r} is kept as text: {why}")
        told = dtype == pl.String and kinds != {str}
        columns.append(pl.Series(name, [_text(value) for value in values] if told else values, dtype))
    return pl.DataFrame(columns), tuple(notes)


def row_text(row: Row) -> bytes:
    """Return a row as JSON with sorted keys: equal for equal rows."""
    return _JSON.encode(row)


def _type_of(values: Sequence[Any], kinds: Set[type]) -> tuple[type[pl.DataType], str]:
    if not kinds:
        return pl.Null, ""
    if kinds == {bool}:
        return pl.Boolean, ""
    if kinds == {int}:
        present = [value for value in values if value is not None]
        fits = min(present) in _INT64 and max(present) in _INT64
        return (pl.Int64, "") if fits else (pl.String, "some of its integers need more than 64 bits")
    if kinds <= {int, float}:
        exact = all(type(value) is not int or value in _EXACT for value in values)
        return (pl.Float64, "") if exact else (pl.String, "some of its integers would be rounded by the fractions among them")
    if kinds == {str} or kinds <= {dict, list}:
        return pl.String, ""
    return pl.String, "it holds " + " and ".join(sorted(_WORDS[kind] for kind in kinds))


_WORDS: Mapping[type, str] = {bool: "booleans", int: "integers", float: "fractions", str: "texts", dict: "objects", list: "lists"}


def _text(value: Any) -> str | None:
    if isinstance(value, float):
        return plain_float(value)
    return value if value is None or isinstance(value, str) else _JSON.encode(value).decode()
