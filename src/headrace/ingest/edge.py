"""The edge of what was seen of a growing column: the greatest value, and which rows had it.

Asking for what is greater would lose rows that come later with the same value, as all rows of one transaction do; asking for what is
greater or equal gives the last rows twice. So the second is asked, and rows that were seen are known by their hashes.
"""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime
from itertools import chain
from typing import NamedTuple

import msgspec
import polars as pl

from headrace.core.errors import SystemFault
from headrace.ingest.errors import SourceChanged
from headrace.ingest.readers import Cursor

Position = str | int | float | datetime | date
MOST_AT_THE_EDGE = 1_000_000
_HASH_BYTES = 8
_KINDS = "whole numbers, decimals, texts, dates or times"


class _Written(msgspec.Struct, frozen=True):
    kind: str
    at: str | int | float
    seen: str


class Edge(NamedTuple):
    """The position after some rows: the greatest value of the column, and the hashes of the rows that have it, each as often as seen."""

    at: Position
    seen: Counter[bytes]

    def cursor(self) -> str:
        """Return the edge as a text, which `edge_at` reads."""
        at = self.at.isoformat() if isinstance(self.at, date) else self.at
        return msgspec.json.encode(_Written(type(self.at).__name__, at, b"".join(self.seen.elements()).hex())).decode()


def edge_at(cursor: Cursor) -> Edge | None:
    """Return the edge that a cursor says; None for the beginning.

    Raises:
        SystemFault: if it is no such cursor.
    """
    if cursor is None:
        return None
    try:
        written = msgspec.json.decode(str(cursor), type=_Written)
        seen = bytes.fromhex(written.seen)
        hashes = Counter(seen[start : start + _HASH_BYTES] for start in range(0, len(seen), _HASH_BYTES))
        return Edge(_read(written), hashes)
    except (msgspec.MsgspecError, ValueError) as error:
        remedy = "The record of what was landed is damaged: restore the ledger from a backup."
        raise SystemFault(f"{str(cursor)[:80]!r} is no position in a source.", remedy=remedy) from error


def _read(written: _Written) -> Position:
    if written.kind == "datetime":
        return datetime.fromisoformat(str(written.at))
    if written.kind == "date":
        return date.fromisoformat(str(written.at))
    return float(written.at) if written.kind == "float" else written.at


class Advance:
    """Follows a growing column through the pages of one answer: leaves out what was seen, and knows the position after each page."""

    def __init__(self, place: str, column: str, start: Edge | None) -> None:
        self._place, self._column = place, column
        self._start, self._left = start, Counter(start.seen) if start else Counter()
        self.edge = start

    def unseen(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows that were not seen before, and move the edge past them.

        Raises:
            SourceChanged: if the values do not grow, are of a kind that has no order, or too many rows share the last one.
        """
        fresh = self._without_seen(rows)
        if fresh.height:
            self._check(fresh)
            self._move(fresh)
        return fresh

    def _without_seen(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self._start is None or not self._left:
            return rows
        at_edge = [value == self._start.at for value in rows[self._column]]
        wanted = [True] * rows.height
        for number in (number for number, equal in enumerate(at_edge) if equal):
            mark = _hash(rows.row(number))
            if self._left[mark]:
                self._left[mark] -= 1
                wanted[number] = False
        return rows.filter(pl.Series(wanted))

    def _check(self, rows: pl.DataFrame) -> None:
        values = rows[self._column]
        first = values[0]
        if values.null_count():
            problem = f"a row has no value of {self._column!r}, the cursor"
            raise SourceChanged(self._place, problem, "Leave such rows out, or take another column.")
        if not isinstance(first, str | int | float | date) or isinstance(first, bool):
            problem = f"the cursor {self._column!r} has values such as {first!r}; a cursor has {_KINDS}"
            raise SourceChanged(self._place, problem, "Take another column, or convert it where it is asked for.")
        try:
            grows = values.is_sorted() and (self.edge is None or first >= self.edge.at)  # type: ignore[operator]
        except TypeError:
            grows = False
        if not grows:
            problem = f"its rows do not come in the order of {self._column!r}, the cursor"
            raise SourceChanged(self._place, problem, "Sort them by it, or leave cursor= out so that everything is asked for each time.")

    def _move(self, rows: pl.DataFrame) -> None:
        last = rows[self._column][-1]
        at_last = rows.filter(rows[self._column] == last)
        before = self.edge.seen if self.edge is not None and self.edge.at == last else Counter[bytes]()
        if before.total() + at_last.height > MOST_AT_THE_EDGE:
            problem = f"more than {MOST_AT_THE_EDGE:,} rows have {last!r} in {self._column!r}, the cursor"
            raise SourceChanged(self._place, problem, "Take a column that tells rows apart, such as an id that grows.")
        self.edge = Edge(last, before + Counter(map(_hash, at_last.iter_rows())))


def _hash(row: tuple[object, ...]) -> bytes:
    """Return what a row is known by: stable over processes and versions, as the hashes of tables and of Python are not."""
    values = (value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value for value in row)
    text = "\0".join(chain.from_iterable((type(value).__name__, repr(value)) for value in values))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest()
