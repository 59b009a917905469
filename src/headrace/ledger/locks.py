"""Locks among all who use a ledger: held by a session of Postgres, or on a file beside a SQLite one.

The server, or the operating system, lets go of a lock when the process that holds it dies: none is ever stale.
"""

import fcntl
import hashlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from headrace.ledger.database import AWAY_SECONDS, RETRY_SECONDS, is_away, unpooled
from headrace.ledger.errors import LedgerUnreachable, LockLost


class Hold(Protocol):
    """A lock that is held. One thread at a time."""

    def confirm(self) -> None:
        """Make sure of it. A server that was restarted has forgotten the lock: it is taken again, once the server is back.

        Raises:
            LockLost: if another process was quicker; from then on, always.
            LedgerUnreachable: if the server stays away. The next call tries again.
        """


# Who asks whether a lock is held has a share of its file for an instant: who wants it waits that out.
_LOOK_SECONDS = 0.2
_HELD = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (classid::bigint << 32 | objid::bigint) = :key)"
)


def hold_lock(engine: Engine, name: str, url: str) -> AbstractContextManager[Hold | None]:
    """Hold a lock; gives None if another process has it, within a fifth of a second. `url` is for messages."""
    if engine.dialect.name == "sqlite":
        return _hold_file(_file(engine, name))
    return _hold_session(engine, name, url)


def is_held(engine: Engine, name: str, url: str) -> bool:
    """Tell whether some process has a lock, without taking it: nobody who wants it meanwhile is refused. `url` is for messages."""
    if engine.dialect.name == "sqlite":
        return _is_file_held(_file(engine, name))
    try:
        with engine.connect() as connection:
            return bool(connection.execute(_HELD, {"key": _number(name)}).scalar())
    except DBAPIError as error:
        raise LedgerUnreachable(url, str(error.orig)) from error


def _file(engine: Engine, name: str) -> Path:
    return Path(str(engine.url.database)).with_name(f"{name}.lock")


def _number(name: str) -> int:
    """An advisory lock has a number for a name."""
    return int.from_bytes(hashlib.sha256(f"headrace {name}".encode()).digest()[:8], signed=True)


class _FileHold:
    def confirm(self) -> None:
        """An open file cannot lose its lock."""


@contextmanager
def _hold_file(path: Path) -> Iterator[Hold | None]:
    deadline = time.monotonic() + _LOOK_SECONDS
    with path.open("w") as file:
        while not (taken := _flock(file, fcntl.LOCK_EX)) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS / 20)
        yield _FileHold() if taken else None


def _is_file_held(path: Path) -> bool:
    try:
        with path.open() as file:
            return not _flock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _flock(file: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _SessionHold:
    def __init__(self, engine: Engine, name: str, url: str) -> None:
        self._engine, self._name, self._url = unpooled(engine), name, url
        self._key = _number(name)
        self._session: Connection | None = None
        self._lost = False

    def take(self) -> bool:
        try:
            return self._try()
        except DBAPIError as error:
            raise LedgerUnreachable(self._url, str(error.orig)) from error

    def confirm(self) -> None:
        """Ask the session whether it lives: then it holds the lock still. A lock that was lost stays lost, even if it is free again."""
        if not self._lost and not self._lives():
            self._lost = not self._take_again()
        if self._lost:
            raise LockLost(self._name, self._url)

    def close(self) -> None:
        """End the session, and the lock with it; one that is broken already is not asked."""
        if self._session is not None:
            self._session.invalidate()
            self._session.close()
            self._session = None

    def _try(self) -> bool:
        """A session is kept only with the lock: that it lives must mean that the lock is held."""
        self.close()
        self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        taken = False
        try:
            taken = bool(self._session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}).scalar())
        finally:
            if not taken:
                self.close()
        return taken

    def _lives(self) -> bool:
        if self._session is None:
            return False
        try:
            self._session.execute(text("SELECT 1"))
        except DBAPIError:  # whatever it was, the lock is taken again or its loss is told
            return False
        return True

    def _take_again(self) -> bool:
        deadline = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                return self._try()
            except DBAPIError as error:
                if not is_away(error) or time.monotonic() > deadline:
                    raise LedgerUnreachable(self._url, str(error.orig)) from error
            time.sleep(RETRY_SECONDS)


@contextmanager
def _hold_session(engine: Engine, name: str, url: str) -> Iterator[Hold | None]:
    hold = _SessionHold(engine, name, url)
    try:
        yield hold if hold.take() else None
    finally:
        hold.close()
