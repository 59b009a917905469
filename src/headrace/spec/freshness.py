"""How old what features are made from may be when they are served, as it is declared."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal, get_args

from headrace.core.errors import UserError
from headrace.core.locations import Location
from headrace.core.units import parse_duration
from headrace.spec.errors import InvalidOption, UnknownName
from headrace.spec.streams import Streamed
from headrace.spec.tables import Table

WhenStale = Literal["last", "null", "error"]
WHEN_STALE: tuple[WhenStale, ...] = get_args(WhenStale)
"""What is done about a value that is too old, the least strict first."""
MaxStaleness = str | timedelta | Mapping[str, str | timedelta] | None
_OPTION = "max_staleness of Features()"


def is_dated(table: Table) -> bool:
    """Tell whether it is known until when a table is known: a stream tells of moments, and so of tables that have a time."""
    return table.row_known is not None or not isinstance(getattr(table, "source", None), Streamed)


def staleness_limits(declared: MaxStaleness, seen: Mapping[str, Sequence[Table]], location: Location | None = None) -> dict[str, timedelta]:
    """Return the limit of each feature that has one; `seen` are the tables that each feature looks into.

    Raises:
        UnknownName: for a feature that is none.
        InvalidOption: for what is no duration, or a feature whose age nobody knows.
    """
    if declared is None:
        return {}
    if isinstance(declared, Mapping):
        return {name: _of_one(name, limit, seen, location) for name, limit in declared.items()}
    duration = _duration(_OPTION, declared, location)
    limits = {name: duration for name, tables in seen.items() if any(map(is_dated, tables))}
    if not limits:
        raise InvalidOption(_OPTION, declared, "none: no feature looks into a table whose age is known", location=location)
    return limits


def check_when_stale(value: object, location: Location | None = None) -> None:
    """Check what is to be done about values that are too old.

    Raises:
        InvalidOption: if that is none of what can be done.
    """
    if value not in WHEN_STALE:
        raise InvalidOption("when_stale of Features()", value, " or ".join(map(repr, WHEN_STALE)), location=location)


def _of_one(name: str, limit: str | timedelta, seen: Mapping[str, Sequence[Table]], location: Location | None) -> timedelta:
    if name not in seen:
        raise UnknownName("feature", name, seen, where=f"{_OPTION}: ", location=location)
    option = f"max_staleness of the feature {name!r}"
    if not any(map(is_dated, seen[name])):
        nothing = "it is made of given values" if not seen[name] else "the streamed tables that it looks into have no time="
        raise InvalidOption(option, limit, f"none: {nothing}", location=location)
    return _duration(option, limit, location)


def _duration(option: str, value: object, location: Location | None) -> timedelta:
    if not isinstance(value, str | timedelta):
        raise InvalidOption(option, value, "a duration, such as '10m', or one for each feature by its name", location=location)
    try:
        return parse_duration(value)
    except UserError as error:
        raise InvalidOption(option, value, "a duration above zero, such as '10m'", location=location) from error
