"""What a column may hold, and what becomes of a value on its way into a store and out of it: the same value on SQLite and on Postgres."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, auto
from typing import Any, NamedTuple

from headrace.core.money import usd


class Kind(Enum):
    """A kind of column.

    A number has four bytes, a count eight, a float is of double precision. A moment is an aware UTC `datetime` with microseconds; a naive
    one is refused. In a text what some store cannot hold is written out (`\\x00`). Money is `Decimal` USD to 12 places, kept as text so
    that no store makes a float of it. JSON is kept as its canonical text, the same bytes on every store.
    """

    NAME = auto()
    TEXT = auto()
    NUMBER = auto()
    COUNT = auto()
    FLOAT = auto()
    FLAG = auto()
    MOMENT = auto()
    MONEY = auto()
    JSON = auto()


_Functions = Mapping[Kind, Callable[[Any], Any]]


class Conversion(NamedTuple):
    """What a store wants: for some kinds a function of a value that is not None; what is of another kind stays as it is."""

    to_store: _Functions
    from_store: _Functions


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: keys sorted, no spaces, moments in ISO 8601, `Decimal` and other values as text.

    Equal to itself after a round trip: `canonical_json(json.loads(canonical_json(x))) == canonical_json(x)`.
    """
    return _written_out(_encode(value))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple | set | frozenset):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    raise TypeError(f"the ledger cannot keep a {type(value).__qualname__} as JSON: {value!r:.80}")


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode


def _written_out(text: str) -> str:
    """Return a text with what is no letter written out: half a pair of UTF-16, as in the name of a file that is not in UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def _plain_text(text: str) -> str:
    return _written_out(text).replace("\0", "\\x00")  # which Postgres refuses


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; the ledger keeps UTC moments")
    return moment.astimezone(UTC)


def _moment_text(moment: datetime) -> str:
    return _utc(moment).replace(tzinfo=None).isoformat(" ", "microseconds")


def _moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _money_text(amount: Decimal) -> str:
    return format(usd(amount), "f")


_EVERYWHERE_TO: _Functions = {Kind.TEXT: _plain_text, Kind.MONEY: _money_text, Kind.JSON: canonical_json}
_EVERYWHERE_FROM: _Functions = {Kind.MONEY: Decimal, Kind.JSON: json.loads}

SQLITE = Conversion(
    {**_EVERYWHERE_TO, Kind.MOMENT: _moment_text},
    {**_EVERYWHERE_FROM, Kind.MOMENT: _moment_of, Kind.FLAG: bool},
)
POSTGRES = Conversion({**_EVERYWHERE_TO, Kind.MOMENT: _utc}, {**_EVERYWHERE_FROM, Kind.MOMENT: _utc})
