"""The ledger itself: opening it, writing to it and reading from it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from headrace.core.clock import Clock
from headrace.core.ids import new_id
from headrace.core.secrets import masked
from headrace.ledger import audit
from headrace.ledger.database import begin, connect
from headrace.ledger.errors import LedgerUnreachable, NestedWrite
from headrace.ledger.schema_version import bring_to_head
from headrace.ledger.session import Session


class Ledger:
    """The record of what happened, at `url` (its password hidden).

    Safe for several threads and for several processes at once: writes happen one after another, reads never wait.

    >>> from headrace.core.clock import SystemClock
    >>> import tempfile
    >>> with Ledger.open(Path(tempfile.mkdtemp()) / "ledger.db", SystemClock()) as ledger:
    ...     with ledger.write("ana", "example.note", "example", text="hello") as session:
    ...         pass
    ...     ledger.head().sequence
    1
    """

    def __init__(self, url: str, engine: Engine, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self._engine = engine
        self._turn = threading.Lock()
        self._writing: tuple[int, str] | None = None

    @classmethod
    def open(cls, url: str | Path, clock: Clock) -> "Ledger":
        """Open the ledger at a file path or a URL (`sqlite:///...`, `postgresql://...`).

        It is made, or its schema brought to this version, first if need be. Several processes may do so at once. A schema that is
        current costs one query.

        Raises:
            UnusableUrl: if the URL names no store we can open.
            LedgerIsNewer: if a newer Headrace wrote it.
            LedgerUnreachable: if the store does not answer.
        """
        place = masked(str(url))
        try:
            engine = connect(str(url))
        except OSError as error:  # its folder cannot be made
            raise LedgerUnreachable(place, str(error)) from error
        try:
            bring_to_head(engine, place)
        except (DBAPIError, sqlite3.Error) as error:
            raise LedgerUnreachable(place, str(getattr(error, "orig", error))) from error
        return cls(place, engine, clock)

    def new_id(self, prefix: str) -> str:
        """Return a new id of this moment."""
        return new_id(prefix, self.clock.now())

    @contextmanager
    def write(self, actor: str, action: str, subject: str = "", **details: Any) -> Iterator[Session]:
        """Open a transaction that commits what the caller writes and one audit row, both or neither.

        `actor` is who does it, `action` what (`run.start`), `subject` the id it is done to (`Session.about` may fill it in later),
        `details` whatever else should be provable. Writers take turns, over threads and processes, so what is read inside stays true
        until the commit.

        Raises:
            NestedWrite: inside another write of the same thread, which would wait for itself.
            LedgerUnreachable: if the store does not answer: away, full, or locked for a minute.
        """
        mine = threading.get_ident()
        if self._writing is not None and self._writing[0] == mine:
            raise NestedWrite(action, self._writing[1])
        with self._turn:
            self._writing = (mine, action)
            try:
                with self._begun(writing=True) as connection:
                    head = audit.lock_head(connection, self.url)
                    session = Session(connection, self.clock.now(), actor, subject, details)
                    yield session
                    audit.append(connection, head, audit.Entry(session.now, actor, action, session.subject, session.details))
            finally:
                self._writing = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that sees one state of the ledger; the store refuses to write in it."""
        with self._begun(writing=False) as connection:
            yield Session(connection, self.clock.now())

    def head(self) -> audit.AuditHead:
        """Return the newest audit row's number and hash, to be kept outside the ledger."""
        with self.read() as session:
            return audit.read_head(session.connection, self.url)

    @contextmanager
    def _begun(self, *, writing: bool) -> Iterator[Connection]:
        try:
            with begin(self._engine, writing=writing) as connection:
                yield connection
        except OperationalError as error:
            raise LedgerUnreachable(self.url, str(error.orig)) from error

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
