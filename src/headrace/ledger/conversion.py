"""Values on their way into a store and out of it, converted by the names of their columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from headrace.ledger.schema import KIND_OF
from headrace.ledger.types import Conversion, Kind

Row = dict[str, Any]
"""A row by the names of its columns."""


class Unreadable(Exception):
    """A value in a store that nobody put there this way. Whoever knows which store it is tells of a `LedgerDamaged`."""

    def __init__(self, name: str, kind: Kind, value: object) -> None:
        super().__init__(f"its {name} is no {kind.name.lower()}: {value!r:.80}")


class Converter:
    """Converts what a store is given and what it gives. A parameter that is called like a column holds a value of it."""

    def __init__(self, conversion: Conversion) -> None:
        self._to = {name: conversion.to_store[kind] for name, kind in KIND_OF.items() if kind in conversion.to_store}
        self._from = {
            name: _reader(name, kind, conversion.from_store[kind]) for name, kind in KIND_OF.items() if kind in conversion.from_store
        }

    def bound(self, values: Mapping[str, Any]) -> Row:
        """Return values as the store wants them."""
        bound = dict(values)
        for name, value in values.items():
            convert = self._to.get(name)
            if convert is not None and value is not None:
                bound[name] = convert(value)
        return bound

    def rows(self, names: Sequence[str], found: Iterable[Sequence[Any]]) -> list[Row]:
        """Return rows as they were before they went in.

        Raises:
            Unreadable: if one was changed since by somebody else.
        """
        readers = [self._from.get(name) for name in names]
        return [
            {name: value if read is None or value is None else read(value) for name, read, value in zip(names, readers, row, strict=True)}
            for row in found
        ]


def _reader(name: str, kind: Kind, convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            return convert(value)
        except (ValueError, TypeError, ArithmeticError):  # no such text, no text at all, no number
            raise Unreadable(name, kind, value) from None

    return read
