"""The ledger itself: opening it, writing to it and reading from it."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from contextvars import ContextVar
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any

from headrace.core.clock import Clock
from headrace.core.ids import new_id
from headrace.core.secrets import masked
from headrace.ledger import audit
from headrace.ledger.database import AWAY_SECONDS, RETRY_SECONDS, Connection, Database, connect, faults_of
from headrace.ledger.errors import LedgerUnreachable, NestedWrite
from headrace.ledger.locks import Hold
from headrace.ledger.schema_version import bring_to_head
from headrace.ledger.session import Session

_WAITS: ContextVar[float] = ContextVar("how long is waited for a ledger that is away", default=inf)


@contextmanager
def hurried(seconds: float) -> Iterator[None]:
    """Wait so long only for a ledger that is away: for whoever has more to do, and tries again. It counts in this thread."""
    token = _WAITS.set(seconds)
    try:
        yield
    finally:
        _WAITS.reset(token)


class NothingToWrite(Exception):
    """Raised in a write by who finds there that it was done before: the write is given up, and nobody is told."""


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

    def __init__(self, url: str, database: Database, clock: Clock) -> None:
        self.url = url
        self.clock = clock
        self._database = database
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
            database = connect(str(url))
        except OSError as error:  # its folder cannot be made
            raise LedgerUnreachable(place, str(error)) from error
        with faults_of(database, place):
            bring_to_head(database, place)
        return cls(place, database, clock)

    def new_id(self, prefix: str) -> str:
        """Return a new id of this moment."""
        return new_id(prefix, self.clock.now())

    @contextmanager
    def write(self, actor: str, action: str, subject: str = "", **details: Any) -> Iterator[Session]:
        """Open a transaction that commits what the caller writes and one audit row, both or neither.

        `actor` is who does it, `action` what (`run.start`), `subject` the id it is done to (`Session.about` may fill it in later),
        `details` whatever else should be provable. Writers take turns, over threads and processes, so what is read inside stays true
        until the commit. Who finds there that nothing is to be written raises `NothingToWrite`.

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
                with suppress(NothingToWrite), self._begun(writing=True) as (connection, head):
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
        with faults_of(self._database, self.url), ExitStack() as transaction:
            yield self._entered(transaction, writing)

    def _entered(self, transaction: ExitStack, writing: bool) -> tuple[Connection, audit.AuditHead]:
        """Begin, and begin again while a server is away: nothing was done yet, so nothing is done twice."""
        deadline = time.monotonic() + min(_WAITS.get(), AWAY_SECONDS)
        head_of = audit.lock_head if writing else audit.read_head
        while True:
            try:
                with ExitStack() as attempt:
                    connection = attempt.enter_context(self._database.begin(writing=writing))
                    head = head_of(connection, self.url)
                    transaction.push(attempt.pop_all())
                    return connection, head
            except self._database.errors as error:
                if not self._database.is_away(error) or time.monotonic() > deadline:
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
        return self._database.hold_lock(name, self.url)

    def is_locked(self, name: str) -> bool:
        """Tell whether some process holds a lock. It is not taken: nobody who wants it meanwhile is refused."""
        return self._database.is_held(name, self.url)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
