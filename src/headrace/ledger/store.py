"""The ledger itself: opening it, writing to it and reading from it."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError

from headrace.core.clock import Clock
from headrace.core.errors import SystemFault
from headrace.core.ids import new_id
from headrace.core.secrets import masked
from headrace.ledger import audit
from headrace.ledger.database import AWAY_SECONDS, RETRY_SECONDS, apart, begin, connect, is_away
from headrace.ledger.errors import LedgerDamaged, LedgerUnreachable, NestedWrite
from headrace.ledger.locks import Hold, hold_lock, is_held
from headrace.ledger.schema_version import bring_to_head
from headrace.ledger.session import Session

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


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
        self._writer = apart(engine)
        self._turn = threading.Lock()
        self._writing: tuple[int, str] | None = None

    @classmethod
    def open(cls, url: str | Path, clock: Clock) -> "Ledger":
        """Open the ledger at a file path or a URL (`sqlite:///...`, `postgresql://...`).

        It is made first if need be, and one in a file is brought to this version. Several processes may do so at once. A schema that is
        current costs one query.

        Raises:
            UnusableUrl: if the URL names no store we can open.
            LedgerIsNewer: if a newer Headrace wrote it.
            LedgerIsOlder: if an older one wrote it, and others may be using it: on a server.
            LedgerUnreachable: if the store does not answer.
            LedgerDamaged: if its file is.
        """
        place = masked(str(url))
        try:
            engine = connect(str(url))
        except OSError as error:  # its folder cannot be made
            raise LedgerUnreachable(place, str(error)) from error
        try:
            bring_to_head(engine, place)
        except (DBAPIError, sqlite3.Error) as error:
            raise _fault(place, error) from error
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
            LedgerUnreachable: if the store does not answer: full, away or locked for a minute, or away in the middle. Nothing is written
                then, unless a server went away while it committed.
        """
        mine = threading.get_ident()
        if self._writing is not None and self._writing[0] == mine:
            raise NestedWrite(action, self._writing[1])
        with self._turn:
            self._writing = (mine, action)
            try:
                with self._begun(writing=True) as (connection, head):
                    session = Session(connection, self.clock.now(), actor, subject, details)
                    yield session
                    audit.append(connection, head, audit.Entry(session.now, actor, action, session.subject, session.details))
            finally:
                self._writing = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that sees one state of the ledger; the store refuses to write in it."""
        with self._begun(writing=False) as (connection, _):
            yield Session(connection, self.clock.now())

    def head(self) -> audit.AuditHead:
        """Return the newest audit row's number and hash, to be kept outside the ledger."""
        with self._begun(writing=False) as (_, head):
            return head

    def identity(self) -> str | None:
        """Return what tells this ledger from every other: the hash of its first audit row; None while nothing was written."""
        with self._begun(writing=False) as (connection, _):
            return audit.first_hash(connection)

    @contextmanager
    def _begun(self, *, writing: bool) -> Iterator[tuple[Connection, audit.AuditHead]]:
        try:
            with ExitStack() as transaction:
                yield self._entered(transaction, writing)
        except (IntegrityError, DataError, ProgrammingError):  # what was written is at fault, not the store
            raise
        except (DBAPIError, sqlite3.Error) as error:
            raise _fault(self.url, error) from error

    def _entered(self, transaction: ExitStack, writing: bool) -> tuple[Connection, audit.AuditHead]:
        """Begin, and begin again while a server is away: nothing was done yet, so nothing is done twice."""
        deadline = time.monotonic() + AWAY_SECONDS
        head_of = audit.lock_head if writing else audit.read_head
        while True:
            try:
                with ExitStack() as attempt:
                    connection = attempt.enter_context(begin(self._writer if writing else self._engine, writing=writing))
                    head = head_of(connection, self.url)
                    transaction.push(attempt.pop_all())
                    return connection, head
            except (OperationalError, InterfaceError) as error:
                if not is_away(error) or time.monotonic() > deadline:
                    raise
            time.sleep(RETRY_SECONDS)

    def try_writing(self) -> None:
        """Begin to write, and write nothing.

        Raises:
            LedgerUnreachable: if the store refuses or does not answer. That it is full shows only when rows are written.
        """
        with self._begun(writing=True):
            pass

    def locked(self, name: str) -> AbstractContextManager[Hold | None]:
        """Hold a lock among all who use this ledger; gives None if another process has it, within a fifth of a second.

        None is ever stale: it is let go when the process dies.
        """
        return hold_lock(self._engine, name, self.url)

    def is_locked(self, name: str) -> bool:
        """Tell whether some process holds a lock. It is not taken: nobody who wants it meanwhile is refused."""
        return is_held(self._engine, name, self.url)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
        self._writer.dispose()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _fault(url: str, error: DBAPIError | sqlite3.Error) -> SystemFault:
    said = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(said, sqlite3.Error) and getattr(said, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
        return LedgerDamaged(url, f"is damaged: {said}")
    return LedgerUnreachable(url, str(said))
