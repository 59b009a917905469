"""A ledger in a file: SQLite in WAL with sane pragmas, spoken to by Python's own driver.

Nothing here imports SQLAlchemy, which takes longer to load than a short command runs, and longer to wrap a statement than SQLite to run it.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.core.errors import SystemFault
from headrace.ledger import types
from headrace.ledger.conversion import Converter, Row
from headrace.ledger.ddl import SQLITE
from headrace.ledger.errors import LedgerDamaged, LedgerUnreachable
from headrace.ledger.locks import Hold, hold_file, is_file_held

if TYPE_CHECKING:
    import sqlalchemy

_BUSY_SECONDS = 60
_PRAGMAS = ("foreign_keys = ON", "synchronous = FULL")
"""FULL: what was committed survives a power cut, for 0.6 ms a write; an approval or a charge should."""
_KEPT = 5  # connections of a kind that nobody uses; more were open when many threads read at once
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CONVERTER = Converter(types.SQLITE)
_NONE: Mapping[str, Any] = {}


class File:
    """A database in a file, with a few connections that only read and a few that write.

    They are apart, because a connection that goes from the one to the other compiles its statements again.
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    shared = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: dict[bool, list[sqlite3.Connection]] = {True: [], False: []}

    @contextmanager
    def begin(self, *, writing: bool) -> Iterator["FileConnection"]:
        idle = self._idle[writing]
        try:
            driver = idle.pop()
        except IndexError:
            driver = self._opened(writing)
        try:
            driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            yield FileConnection(driver)
            driver.execute("COMMIT")
        except BaseException:
            driver.close()  # which takes back what was not committed, whatever state it is in
            raise
        if len(idle) < _KEPT:
            idle.append(driver)
        else:
            driver.close()

    @contextmanager
    def relational(self) -> Iterator["sqlalchemy.Connection"]:
        # As above: for migrations only.
        from sqlalchemy import NullPool, create_engine, event
        from sqlalchemy.exc import DBAPIError

        engine = create_engine("sqlite://", creator=lambda: self._opened(writing=True), poolclass=NullPool)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        try:
            with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise error.orig or error from error

    def fault_of(self, error: Exception, place: str) -> SystemFault | None:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.ProgrammingError):
            return None
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            return LedgerDamaged(place, f"is damaged: {error}")
        return LedgerUnreachable(place, str(error))

    def is_away(self, error: Exception) -> bool:
        del error
        return False

    def hold_lock(self, name: str, place: str) -> AbstractContextManager[Hold | None]:
        del place
        return hold_file(self._lock(name))

    def is_held(self, name: str, place: str) -> bool:
        del place
        return is_file_held(self._lock(name))

    def close(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def _lock(self, name: str) -> Path:
        return self._path.with_name(f"{name}.lock")

    def _opened(self, writing: bool) -> sqlite3.Connection:
        """Open a connection. Transactions are begun by us: Python's driver would begin them late, and never as IMMEDIATE."""
        driver = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if driver.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                _switch_to_wal(driver)
            for pragma in (*_PRAGMAS, f"query_only = {'OFF' if writing else 'ON'}"):
                driver.execute(f"PRAGMA {pragma}")
        except BaseException:
            driver.close()
            raise
        return driver


class FileConnection:
    """A transaction in a file."""

    dialect = SQLITE

    def __init__(self, driver: sqlite3.Connection) -> None:
        self._driver = driver

    def rows(self, statement: str, values: Mapping[str, Any] = _NONE, /) -> list[Row]:
        found = self._driver.execute(statement, _CONVERTER.bound(values))
        return _CONVERTER.rows([each[0] for each in found.description], found.fetchall())

    def run(self, statement: str, /, *rows: Mapping[str, Any]) -> int:
        if len(rows) == 1:
            return self._driver.execute(statement, _CONVERTER.bound(rows[0])).rowcount
        return self._driver.executemany(statement, [_CONVERTER.bound(row) for row in rows]).rowcount

    def take_turns(self) -> None:
        """BEGIN IMMEDIATE has made the others wait."""

    def has_table(self, name: str) -> bool:
        return bool(self.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name = :name", {"name": name}))


def _switch_to_wal(driver: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, which needs the file alone: SQLite does not wait here, so several first users must try again."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            driver.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
