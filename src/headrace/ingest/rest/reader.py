"""The reader of a source that answers with JSON over HTTP."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import chain
from pathlib import Path

from headrace.core.secrets import Secrets
from headrace.ingest.errors import SourceChanged, SourceUnreadable
from headrace.ingest.readers import Cursor, Page
from headrace.ingest.rest.asking import Asking
from headrace.ingest.rest.authorization import authorizer_of
from headrace.ingest.rest.calls import Calls
from headrace.ingest.rest.connection import Connections
from headrace.ingest.rest.position import Edge, Position, TooMuch, Unplaced, oldest_first
from headrace.ingest.rest.redaction import Redactor
from headrace.ingest.rest.rows import Rows, frame_of
from headrace.ingest.rest.walk import as_parameter, first_step
from headrace.spec.addresses import check_address
from headrace.spec.asked import Asked
from headrace.spec.rest import REST

PAGE_ROWS = 10_000


def open_rest(source: Asked, secrets: Secrets, root: Path) -> "RestReader":  # noqa: ARG001 - the contract of readers has it
    """Return the reader of a declaration; nothing is asked yet."""
    assert isinstance(source, REST)
    return RestReader(source, secrets)


class RestReader:
    """Asks one source. `sleep` is what waits between attempts; a page has `page_rows` rows at most."""

    def __init__(self, source: REST, secrets: Secrets, sleep: Callable[[float], None] = time.sleep, page_rows: int = PAGE_ROWS) -> None:
        self._source, self._sleep, self._page_rows = source, sleep, page_rows
        self._redactor = Redactor(secrets)
        self._url = self._redactor.fill(source.url)
        check_address("the url of REST()", self._url, secret=source.secret, location=source.location)
        self._params = {name: self._redactor.fill(as_parameter(value)) for name, value in source.params.items()}
        self._headers = {name: self._redactor.fill(value) for name, value in source.headers.items()}

    def pages(self, after: Cursor) -> Iterator[Page]:
        """Give the rows after a position, some thousands a page; see `Reader`."""
        position = None if after is None else Position.decode(after)
        with ExitStack() as open_things:
            connections = open_things.enter_context(
                closing(Connections(self._source.timeout.total_seconds(), self._source.max_response_mb))
            )
            open_things.enter_context(self._redactor.watching_logs())
            calls = Calls(connections, self._redactor, self._source.retries, self._sleep, self._source.location)
            asking = Asking(self._source, calls, authorizer_of(self._source.auth, self._redactor, calls), self._headers)
            params = dict(self._params)
            if self._source.since and position:
                params[self._source.since] = str(position.at)
            answers = asking.answers(first_step(self._source.paging, self._url, params))
            yield from self._paged(answers) if self._source.cursor is None else self._followed(answers, self._source.cursor, position)

    def _paged(self, answers: Iterator[Rows]) -> Iterator[Page]:
        waiting: Rows = []
        for row in chain.from_iterable(answers):
            waiting.append(row)
            if len(waiting) >= self._page_rows:
                yield _page(waiting, None)
                waiting = []
        if waiting:
            yield _page(waiting, None)

    def _followed(self, answers: Iterator[Rows], column: str, after: Position | None) -> Iterator[Page]:
        edge, waiting = Edge(column, after), Rows()
        try:
            for rows in oldest_first(column, answers) if self._source.order == "any" else answers:
                for row in edge.new_of(rows):
                    waiting.append(row)
                    if len(waiting) >= self._page_rows:
                        yield _page(waiting, edge.position)
                        waiting = []
        except TooMuch as error:
            remedy = f"Ask for rows in the order of {column!r}, oldest first (params=), and leave order='any' out."
            raise SourceUnreadable(f"{self._source.place}: {error}.", remedy=remedy, location=self._source.location) from error
        except Unplaced as error:
            remedy = (
                f"Ask for rows in the order of {column!r}, oldest first (params=), or write order='any'; every row needs a value there."
            )
            raise SourceChanged(self._source.place, self._redactor.redact(str(error)), remedy, self._source.location) from error
        if waiting:
            yield _page(waiting, edge.position)


def _page(rows: Rows, position: Position | None) -> Page:
    frame, notes = frame_of(rows)
    return Page(frame, position.encode() if position else None, notes)
