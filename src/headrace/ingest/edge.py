"""The edge of what was seen of a growing column: the greatest value, and which rows had it.

Asking for what is greater would lose rows that come later with the same value, as all rows of one transaction do; asking for what is
greater or equal gives the last rows twice. So the second is asked, and rows that were seen are known by their hashes.
A row's hash depends on no other row: a page's rows together give its columns their types, and the page is another one the next time.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import polars as pl

from headrace.core.errors import SystemFault
from headrace.ingest.errors import SourceChanged
from headrace.ingest.python_rows import as_text, basic
from headrace.ingest.readers import Cursor

Position = str | int | float | datetime | date
MOST_AT_THE_EDGE = 1_000_000
_HASH_BYTES = 8
_KINDS = "whole numbers, decimals, texts, dates or times"


class _Written(msgspec.Struct, frozen=True):
    kind: str
    at: str | int | float
    seen: str
    columns: tuple[str, ...]


class Edge(NamedTuple):
    """The position after some rows: the greatest value of the column, and the hashes of the rows that have it, each as often as seen.

    The hashes are of the columns that were known when the value was first seen: a row that has got another since is no new row.
    """

    at: Position
    seen: Counter[bytes]
    columns: tuple[str, ...]

    def cursor(self) -> str:
        """Return the edge as a text, which `edge_at` reads."""
        at = self.at.isoformat() if isinstance(self.at, date) else self.at
        seen = b"".join(self.seen.elements()).hex()
        return msgspec.json.encode(_Written(type(self.at).__name__, at, seen, self.columns)).decode()


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
        return Edge(_read(written), hashes, written.columns)
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

    def unseen(self, rows: pl.DataFrame, values: Sequence[Sequence[Any]] | None = None) -> pl.DataFrame:
        """Return the rows that were not seen before, and move the edge past them.

        `values` are the rows as they came, before the columns of `rows` had types.

        Raises:
            SourceChanged: if the values do not grow, are of a kind that has no order, or too many rows share the last one.
        """
        row_at = rows.row if values is None else values.__getitem__
        seen = self._seen_among(rows, row_at)
        left = [number for number in range(rows.height) if number not in seen] if seen else range(rows.height)
        fresh = rows[left] if seen else rows
        if fresh.height:
            self._check(fresh)
            self._move(fresh, [row_at(left[number]) for number in _numbers(fresh, self._column, fresh[self._column][-1])])
        return fresh

    def _seen_among(self, rows: pl.DataFrame, row_at: Callable[[int], Sequence[Any]]) -> set[int]:
        if self._start is None or not self._left:
            return set()
        known, seen = self._start.columns, set()
        new = [number for number, name in enumerate(rows.columns) if name not in known]
        at_edge = [(number, row_at(number)) for number in _numbers(rows, self._column, self._start.at)]
        # Of two rows that differ only in a column that is new, the one that has nothing there is the old one.
        for number, row in sorted(at_edge, key=lambda each: any(each[1][index] is not None for index in new)):
            mark = _hash(rows.columns, row, known)
            if self._left[mark]:
                self._left[mark] -= 1
                seen.add(number)
        return seen

    def _check(self, rows: pl.DataFrame) -> None:
        values = rows[self._column]
        first, last = values[0], values[-1]
        if values.null_count():
            problem = f"a row has no value of {self._column!r}, the cursor"
            raise SourceChanged(self._place, problem, "Leave such rows out, or take another column.")
        if not isinstance(first, str | int | float | date) or isinstance(first, bool):
            problem = f"the cursor {self._column!r} has values such as {first!r}; a cursor has {_KINDS}"
            raise SourceChanged(self._place, problem, "Take another column, or convert it where it is asked for.")
        if isinstance(last, float) and not math.isfinite(last):
            problem = f"the cursor {self._column!r} has the value {last!r}, after which nothing comes"
            raise SourceChanged(self._place, problem, "Leave such rows out where it is asked for, or take another column.")
        try:
            grows = values.is_sorted() and (self.edge is None or first >= self.edge.at)  # type: ignore[operator]  # see below
        except TypeError:  # of another type than the edge
            grows = False
        if not grows:
            problem = f"its rows do not come in the order of {self._column!r}, the cursor"
            raise SourceChanged(self._place, problem, "Sort them by it, or leave cursor= out so that everything is asked for each time.")

    def _move(self, rows: pl.DataFrame, at_last: Sequence[Sequence[Any]]) -> None:
        last, edge = rows[self._column][-1], self.edge
        stays = edge is not None and edge.at == last
        before, known = (edge.seen, edge.columns) if edge and stays else (Counter[bytes](), tuple(self._known(rows)))
        if before.total() + len(at_last) > MOST_AT_THE_EDGE:
            problem = f"more than {MOST_AT_THE_EDGE:,} rows have {last!r} in {self._column!r}, the cursor"
            raise SourceChanged(self._place, problem, "Take a column that tells rows apart, such as an id that grows.")
        self.edge = Edge(last, before + Counter(_hash(rows.columns, row, known) for row in at_last), known)

    def _known(self, rows: pl.DataFrame) -> Iterable[str]:
        return dict.fromkeys((*(self.edge.columns if self.edge else ()), *rows.columns))


def _numbers(rows: pl.DataFrame, column: str, wanted: Position) -> list[int]:
    return [number for number, value in enumerate(rows[column]) if value == wanted]


def _hash(names: Sequence[str], row: Sequence[Any], known: Sequence[str]) -> bytes:
    """Return what a row is known by: stable over processes and versions, as the hashes of tables and of Python are not."""
    told = sorted((name, *_written(name, value)) for name, value in zip(names, row, strict=True) if value is not None and name in known)
    text = "".join(f"{len(part)}:{part}" for each in told for part in each)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_HASH_BYTES).digest()


def _written(name: str, value: Any) -> tuple[str, str]:
    """Return a value's kind and text; numbers that are equal have one text, and so have a date and its midnight."""
    value = basic(value)
    if isinstance(value, bool):
        return "bool", str(value)
    if isinstance(value, int | float | Decimal):
        number = value if isinstance(value, int) else float(value)
        return "number", str(int(number)) if isinstance(number, int) or number.is_integer() else repr(number)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        dated = not value.tzinfo and value.time() == time()
        return "time", (moment.date() if dated else moment).isoformat()
    if isinstance(value, date):
        return "time", value.isoformat()
    return ("duration", str(value)) if isinstance(value, timedelta) else ("text", str(as_text(name, value)))
