"""What every declaration shares: it is frozen, it knows the line it was written on, and it accepts lists for tuples."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType, UnionType
from typing import TypeVar

import msgspec
from msgspec.structs import force_setattr

from headrace.core.locations import Location, caller_location
from headrace.spec.errors import InvalidOption

T = TypeVar("T")
_PLAIN = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)


class Declaration(msgspec.Struct, frozen=True, kw_only=True, dict=False):
    """A frozen part of the project. `location` is where it was written; it does not count in comparisons of meaning."""

    location: Location | None = None

    def __post_init__(self) -> None:
        if self.location is None:
            force_setattr(self, "location", caller_location())

    def _set(self, field: str, value: object) -> None:
        """Normalise a field while the value is being made."""
        force_setattr(self, field, value)


class NamedDeclaration(Declaration, frozen=True):
    """A declaration whose first argument is its name."""

    name: str


def check_plain_name(what: str, named: NamedDeclaration) -> None:
    """Check that a name can stand in paths, URLs and commands.

    Raises:
        InvalidOption: if it cannot.
    """
    if not _PLAIN.fullmatch(named.name):
        expected = "letters, digits, - and _, a letter or digit first, no accents"
        raise InvalidOption(what, named.name, expected, location=named.location)


def check_kind(what: str, value: object, kind: type | UnionType, written: str, location: Location | None) -> None:
    """Check that a value is a declaration of a kind; `written` says how one is written.

    Raises:
        InvalidOption: if it is something else, such as a name, or a class whose parentheses were forgotten.
    """
    if isinstance(value, kind):
        return
    if isinstance(value, type):
        raise InvalidOption(what, value.__name__, f"a value, and that is a class: {value.__name__}(...) makes one", location=location)
    raise InvalidOption(what, type(value).__name__ if isinstance(value, Declaration) else value, written, location=location)


def as_names(value: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return one name or several as a tuple."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def as_mapping(value: Mapping[str, T] | None) -> Mapping[str, T]:
    """Return a read-only copy, in the order written."""
    return MappingProxyType(dict(value or {}))


def dollars(amount: object) -> Decimal | None:
    """Return an amount as written (a float by its shortest digits), or None if it is no finite number."""
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
