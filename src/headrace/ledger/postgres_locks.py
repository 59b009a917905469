"""Locks that a session of Postgres holds: advisory ones, which the server lets go of with the session."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from headrace.ledger.database import AWAY_SECONDS, RETRY_SECONDS
from headrace.ledger.errors import LedgerUnreachable, LockLost
from headrace.ledger.locks import Hold
from headrace.ledger.postgres_engine import ERRORS, is_away, reason_of, unpooled

_HELD = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (classid::bigint << 32 | objid::bigint) = :key)"
)


@contextmanager
def hold_session(engine: Engine, name: str, url: str) -> Iterator[Hold | None]:
    """Hold a lock; gives None if another process has it. `url` is for messages."""
    hold = _SessionHold(engine, name, url)
    try:
        yield hold if hold.take() else None
    finally:
        hold.close()


def is_session_held(engine: Engine, name: str, url: str) -> bool:
    """Tell whether some process has a lock, without taking it. `url` is for messages."""
    try:
        with engine.connect() as connection:
            return bool(connection.execute(_HELD, {"key": _number(name)}).scalar())
    except ERRORS as error:
        raise LedgerUnreachable(url, reason_of(error)) from error


def _number(name: str) -> int:
    """An advisory lock has a number for a name."""
    return int.from_bytes(hashlib.sha256(f"headrace {name}".encode()).digest()[:8], signed=True)


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
            raise LedgerUnreachable(self._url, reason_of(error)) from error

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
                    raise LedgerUnreachable(self._url, reason_of(error)) from error
            time.sleep(RETRY_SECONDS)
