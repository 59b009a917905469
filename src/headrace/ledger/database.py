"""Connections: SQLite in WAL with sane pragmas, Postgres by psycopg; transactions that read, and transactions that write one at a time."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from headrace.core.secrets import masked
from headrace.ledger.errors import UnusableUrl

AWAY_SECONDS = 60
"""How long a server that is away is waited for."""
RETRY_SECONDS = 0.2

_BUSY_SECONDS = 60
_PRAGMAS = ("foreign_keys = ON", "synchronous = FULL")
"""FULL: what was committed survives a power cut, for 0.6 ms a write; an approval or a charge should."""
_POSTGRES_SETTINGS = (
    f"lock_timeout = '{_BUSY_SECONDS}s'",
    # Whose machine has gone without a word holds its locks until the server notices: within a minute, not in two hours.
    "tcp_keepalives_idle = 30",
    "tcp_keepalives_interval = 10",
    "tcp_keepalives_count = 3",
)
_CONNECT_SECONDS = 10
_WRITES = "headrace_writing"
_GOING_OR_COMING = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATE of a server that is shut down, has crashed or is starting (PostgreSQL manual, appendix A)."""


def connect(url: str) -> Engine:
    """Return an engine for a file path or a URL; the folder of a SQLite file is made.

    Raises:
        UnusableUrl: if the URL names no store we can open, or its driver is not installed.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise UnusableUrl(masked(url), "a ledger in memory would be forgotten, and is not shared between threads")
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        return _sqlite(parsed)
    try:
        return _postgres(parsed, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        reason = f"the driver {error.name!r} is not installed"
        raise UnusableUrl(masked(url), reason, remedy="Install it: pip install 'headrace[postgres]'.") from error


def apart(engine: Engine) -> Engine:
    """Return an engine for the same SQLite file with connections of its own, or the same engine for Postgres.

    A connection that goes from reading to writing compiles its statements again.
    """
    return _sqlite(engine.url) if engine.dialect.name == "sqlite" else engine


def unpooled(engine: Engine) -> Engine:
    """Return an engine for the same Postgres whose connections are its own: those held for long take none from the pool."""
    return _postgres(engine.url, poolclass=NullPool)


def is_away(error: DBAPIError) -> bool:
    """Tell whether a server did not answer, or went away: the same may work in a moment."""
    if isinstance(error.orig, sqlite3.Error):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or state in _GOING_OR_COMING or state.startswith("08")


def parse(url: str) -> URL:
    """Return the parts of a URL, or of a path, with our driver named.

    Raises:
        UnusableUrl: if it names no store we can open.
    """
    try:
        parsed = make_url(url) if "://" in url else URL.create("sqlite", database=url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise UnusableUrl(masked(url), f"{parsed.get_backend_name()} is not supported")
    except (ArgumentError, NoSuchModuleError) as error:
        raise UnusableUrl(masked(url), masked(str(error))) from error
    return parsed


@contextmanager
def begin(engine: Engine, *, writing: bool) -> Iterator[Connection]:
    """Open a transaction: one that reads a single state and may not write, or one that writes."""
    options: dict[str, Any] = {_WRITES: writing}
    if engine.dialect.name == "postgresql":
        options |= {"postgresql_readonly": not writing, "isolation_level": "READ COMMITTED" if writing else "REPEATABLE READ"}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgres(url: URL, **options: Any) -> Engine:
    engine = create_engine(url, connect_args={"connect_timeout": _CONNECT_SECONDS}, **options)
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    """Set up a new connection. Transactions are begun by us: Python's driver would begin them late, and never as IMMEDIATE."""
    del record
    connection.isolation_level = None
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        _switch_to_wal(connection)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgres(connection: Any, record: object) -> None:
    del record
    with connection.cursor() as cursor:
        for setting in _POSTGRES_SETTINGS:
            cursor.execute(f"SET {setting}")
    connection.commit()


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, which needs the file alone: SQLite does not wait here, so several first users must try again."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    """Said to the driver itself: by way of SQLAlchemy it takes ten times as long, in every transaction."""
    writing = connection.get_execution_options().get(_WRITES, False)
    driver: Any = connection.connection.driver_connection
    if connection.info.get(_WRITES) is not writing:  # not every time: SQLite then compiles each statement again
        driver.execute(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")
        connection.info[_WRITES] = writing
    driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
