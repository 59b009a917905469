"""Asking the user's own code, inside a boundary that says whose fault a failure is."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from headrace.core.errors import HeadraceError
from headrace.core.secrets import Secrets
from headrace.ingest.blame import blamed, first_line
from headrace.ingest.edge import Advance, edge_at
from headrace.ingest.errors import ReadFailed, SourceChanged, SourceUnreachable
from headrace.ingest.python_rows import frame_of
from headrace.ingest.readers import Cursor, Page, Reader
from headrace.spec.asked import Asked
from headrace.spec.custom import Custom

PAGE_ROWS = 10_000
_GIVEN = "mappings, lists of mappings, or Polars or Arrow tables"


def open_custom(source: Asked, secrets: Secrets, root: Path, page_rows: int = PAGE_ROWS) -> Reader:
    """Return the user's own Reader, or one around the user's function."""
    del root
    assert isinstance(source, Custom)
    return _Guarded(source, secrets, source.read if source.is_reader else _FunctionReader(source, page_rows))


class _Some(NamedTuple):
    """Some rows, and their values before a frame gave each column one type; None for what was given as a frame."""

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    values: list[list[Any]] | None = None


class _Guarded:
    """A Reader of the user's, whose failures name the user's line and hold no secret."""

    def __init__(self, source: Custom, secrets: Secrets, reader: Reader) -> None:
        self._source, self._secrets, self._reader = source, secrets, reader

    def pages(self, after: Cursor) -> Iterator[Page]:
        """Give what the user's code gives."""
        try:
            for page in self._reader.pages(after):
                yield self._checked(page)
        except HeadraceError:
            raise
        except (ConnectionError, TimeoutError) as error:
            reason = self._secrets.redact(f"{type(error).__name__}: {error}")
            raise SourceUnreachable(self._source.place, reason, location=blamed(error, self._source.read)) from None
        except Exception as error:  # noqa: BLE001  whatever the user's code raises is the user's to read
            problem = self._secrets.redact(f"{type(error).__name__}: {error}")
            remedy = "Mend it, or raise headrace.ingest.errors.SourceUnreachable where trying again may help."
            raise ReadFailed(self._source.place, problem, remedy, blamed(error, self._source.read)) from None

    def _checked(self, page: object) -> Page:
        if isinstance(page, Page) and isinstance(page.rows, pl.DataFrame):
            return page
        problem = f"it gave a {type(page).__name__}, where a Page with a Polars DataFrame is due."
        raise ReadFailed(self._source.place, problem, "See docs/how-to/write-a-source.md.", self._source.location)


class _FunctionReader:
    """Satisfies `Reader` with a function that gives rows."""

    def __init__(self, source: Custom, page_rows: int) -> None:
        self._source, self._page_rows = source, page_rows

    def pages(self, after: Cursor) -> Iterator[Page]:
        """Call the function and gather what it gives into pages."""
        column = self._source.cursor
        if column is None:
            for rows, notes, _ in self._frames(self._source.read()):
                yield Page(rows, None, notes)
            return
        start = edge_at(after)
        advance = Advance(self._source.place, column, start)
        for rows, notes, values in self._frames(self._source.read(start.at if start else None)):
            if column not in rows.columns:
                problem = f"it gave rows without {column!r}, the cursor"
                raise SourceChanged(self._source.place, problem, "Give it with each row.", self._source.location)
            fresh = advance.unseen(rows, values)
            if fresh.height and advance.edge:
                yield Page(fresh, advance.edge.cursor(), notes)
            elif start is None:
                yield Page(fresh)

    def _frames(self, given: object) -> Iterator[_Some]:
        waiting: list[Mapping[str, Any]] = []
        for each in self._items(given):
            if isinstance(each, Mapping):
                waiting.append(each)
                if len(waiting) == self._page_rows:
                    yield _of_mappings(waiting)
                    waiting = []
                continue
            if waiting:
                yield _of_mappings(waiting)
                waiting = []
            for start in range(0, max(each.height, 1), self._page_rows):
                yield _Some(each.slice(start, self._page_rows))
        if waiting:
            yield _of_mappings(waiting)

    def _items(self, given: object) -> Iterator[Mapping[str, Any] | pl.DataFrame]:
        if isinstance(given, pl.LazyFrame):
            given = given.collect()
        if isinstance(given, pl.DataFrame | Mapping):
            yield given
        elif hasattr(given, "__arrow_c_stream__") or hasattr(given, "__arrow_c_array__"):
            made = pl.from_arrow(given)
            yield made if isinstance(made, pl.DataFrame) else made.struct.unnest()
        elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
            for each in given:
                yield from self._items(each)
        else:
            problem = f"it gave {'nothing' if given is None else f'a {type(given).__name__}'}."
            raise ReadFailed(self._source.place, problem, f"Give {_GIVEN}.", first_line(self._source.read))


def _of_mappings(rows: list[Mapping[str, Any]]) -> _Some:
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    values = [[row.get(name) for name in names] for row in rows]
    return _Some(*frame_of(names, values), values)


def as_pages(rows: Iterable[Mapping[str, Any]], page_rows: int = PAGE_ROWS) -> Iterator[Page]:
    """Return mappings as pages without a position, for Readers of the user's own."""
    left = iter(rows)
    while some := list(islice(left, page_rows)):
        frame, notes, _ = _of_mappings(some)
        yield Page(frame, None, notes)
