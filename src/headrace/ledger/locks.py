"""Locks among all who use a ledger: held by a session of Postgres, or on a file beside a SQLite one.

The server, or the operating system, lets go of a lock when the process that holds it dies: none is ever stale.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from headrace.ledger.errors import LedgerUnreachable, LockLost


class Hold(Protocol):
    """A lock that is held. One thread at a time."""

    def confirm(self) -> None:
        """Make sure of it. A server that was restarted has forgotten the lock: it is taken again.

        Raises:
            LockLost: if another process was quicker.
            LedgerUnreachable: if the server does not answer.
        """


def hold_lock(engine: Engine, name: str, url: str) -> AbstractContextManager[Hold | None]:
    """Hold a lock; gives None at once if another process has it. `url` is for messages."""
    if engine.dialect.name == "sqlite":
        return _hold_file(Path(str(engine.url.database)).with_name(f"{name}.lock"))
    return _hold_session(engine, name, url)


class _FileHold:
    def confirm(self) -> None:
        """An open file cannot lose its lock."""


@contextmanager
def _hold_file(path: Path) -> Iterator[Hold | None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield _FileHold()


class _SessionHold:
    def __init__(self, engine: Engine, name: str, url: str) -> None:
        self._engine, self._name, self._url = engine, name, url
        # An advisory lock has a number for a name.
        self._key = int.from_bytes(hashlib.sha256(f"headrace {name}".encode()).digest()[:8], signed=True)
        self._session: Connection | None = None

    def take(self) -> bool:
        self.close()
        try:
            self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            return bool(self._session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}).scalar())
        except DBAPIError as error:
            raise LedgerUnreachable(self._url, str(error.orig)) from error

    def confirm(self) -> None:
        """Ask the session whether it lives: then it holds the lock still."""
        try:
            assert self._session is not None
            self._session.execute(text("SELECT 1"))
        except DBAPIError:
            if not self.take():
                raise LockLost(self._name, self._url) from None

    def close(self) -> None:
        """End the session itself, not only its use: in the pool it would keep the lock."""
        if self._session is not None:
            self._session.invalidate()
            self._session.close()
            self._session = None


@contextmanager
def _hold_session(engine: Engine, name: str, url: str) -> Iterator[Hold | None]:
    hold = _SessionHold(engine, name, url)
    try:
        yield hold if hold.take() else None
    finally:
        hold.close()
