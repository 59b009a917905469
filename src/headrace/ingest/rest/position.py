"""Where an incremental source was left off: the greatest value of its cursor column, and the rows that had it.

Many APIs answer with what is at or after a time, not after it: the rows at the edge come again. Those that are equal to one that was
read are left out; one that has changed, or was written within the same moment, is not.
`ingest.edge` does the same for rows that all have the same columns, which the objects of an answer need not have.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import msgspec

from headrace.core.units import format_bytes
from headrace.ingest.edge import MOST_AT_THE_EDGE
from headrace.ingest.rest.rows import Row, Rows, row_text

_HELD_BYTES = 1 << 30
Rank = tuple[str, int | float | datetime | str]


class Position(msgspec.Struct, frozen=True):
    """A value of the cursor column as the API wrote it, and the digests of the rows that have it."""

    at: str | int | float
    seen: tuple[str, ...] = ()

    def encode(self) -> str:
        """Return the text that is remembered."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, text: object) -> "Position":
        """Return the position that a remembered text says."""
        return msgspec.json.decode(str(text), type=cls)


class Unplaced(Exception):
    """A row that cannot be put in order; the message says why."""


class TooMuch(Exception):
    """More rows than are held in memory; the message says how many."""


class Edge:
    """Follows the cursor column through the rows of one asking."""

    def __init__(self, column: str, after: Position | None) -> None:
        self._column = column
        self._start = rank_of(after.at) if after else None
        self._known = Counter(after.seen if after else ())
        self._at: str | int | float | None = after.at if after else None
        self._seen = list(after.seen) if after else []
        self._highest = self._start

    @property
    def position(self) -> Position | None:
        """Where the rows so far end."""
        return None if self._at is None else Position(self._at, tuple(self._seen))

    def new_of(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Give the rows that were not read before.

        Raises:
            Unplaced: if a row has no value to go by, or comes before one that was given already.
        """
        for row in rows:
            value = row.get(self._column)
            rank = rank_of(value)
            if self._highest is not None and rank[0] != self._highest[0]:
                raise _mixed(self._column, self._highest, rank)
            if self._start is not None and rank < self._start:
                continue
            if self._highest is not None and rank < self._highest:
                raise Unplaced(f"its rows are not in the order of {self._column!r}: {value!r} comes after {self._at!r}")
            digest = hashlib.sha256(row_text(row)).hexdigest()[:32]
            if rank == self._start and self._known[digest]:
                self._known[digest] -= 1
                continue
            if rank != self._highest:
                self._at, self._seen, self._highest = value, [], rank
            self._seen.append(digest)
            if len(self._seen) > MOST_AT_THE_EDGE:
                raise Unplaced(f"more than {MOST_AT_THE_EDGE:,} rows have {value!r} in {self._column!r}")
            yield row


def rank_of(value: Any) -> Rank:
    """Return what a value of the cursor column is compared by: times by their moment, digits by their number, other texts by their letters.

    Raises:
        Unplaced: for null, booleans, objects and lists.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unplaced(f"its cursor is {value!r:.80}, which is neither a number nor a text")
    if not isinstance(value, str):
        return "number", value
    if value.isascii() and value.isdigit():
        return "digits", int(value)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return "text", value
    return "time", moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def oldest_first(column: str, answers: Iterable[Rows], held_bytes: int = _HELD_BYTES) -> Iterator[Rows]:
    """Give all rows, which are held in memory until the last has come, in the order of the cursor column; equals as they came.

    Raises:
        Unplaced: if a row has no value to go by.
        TooMuch: if the rows take more memory than that, as JSON.
    """
    held: list[tuple[Rank, bytes]] = []
    size = 0
    for row in (row for rows in answers for row in rows):
        text = msgspec.json.encode(row)
        held.append((rank_of(row.get(column)), text))
        size += len(text)
        if size > held_bytes:
            raise TooMuch(f"its rows are to be sorted, but the first {len(held):,} take {format_bytes(size)} already")
        if held[-1][0][0] != held[0][0][0]:
            raise _mixed(column, held[0][0], held[-1][0])
    held.sort(key=itemgetter(0))
    yield from ([msgspec.json.decode(text)] for _, text in held)


def _mixed(column: str, one: Rank, other: Rank) -> Unplaced:
    return Unplaced(f"{column!r} is {_KINDS[one[0]]} in one row and {_KINDS[other[0]]} in another")


_KINDS = {"number": "a number", "digits": "a text of digits", "time": "a time", "text": "a text"}
