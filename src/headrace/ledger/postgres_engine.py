"""Connections to Postgres, by psycopg."""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.pool import NullPool

from headrace.core.secrets import masked
from headrace.ledger.errors import UnusableUrl

_SETTINGS = (
    "lock_timeout = '60s'",
    # Whose machine has gone without a word holds its locks until the server notices: within a minute, not in two hours.
    "tcp_keepalives_idle = 30",
    "tcp_keepalives_interval = 10",
    "tcp_keepalives_count = 3",
)
_CONNECT_SECONDS = 10
_KEPT, _MOST, _WAIT_SECONDS = 5, 15, 30
"""How many connections a process keeps, how many it has at most, and how long a thread waits for one of them."""
ERRORS: tuple[type[Exception], ...] = (DBAPIError, NoneFree)
"""What an engine raises: what the server or the driver says, and that no connection came free."""
_GOING_OR_COMING = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATE of a server that is shut down, has crashed or is starting (PostgreSQL manual, appendix A)."""


def open_engine(url: str) -> Engine:
    """Return an engine for a URL. Nothing is connected yet.

    Raises:
        UnusableUrl: if the URL names no store we can open, or its driver is not installed.
    """
    try:
        pool = {"pool_size": _KEPT, "max_overflow": _MOST - _KEPT, "pool_timeout": _WAIT_SECONDS}
        return _engine(_parsed(url), pool_pre_ping=True, **pool)
    except ModuleNotFoundError as error:
        reason = f"the driver {error.name!r} is not installed"
        raise UnusableUrl(masked(url), reason, remedy="Install it: pip install 'headrace[postgres]'.") from error


def unpooled(engine: Engine) -> Engine:
    """Return an engine for the same server whose connections are its own: those held for long take none from the pool."""
    return _engine(engine.url, poolclass=NullPool)


def reason_of(error: Exception) -> str:
    """Return why the server could not be used."""
    if isinstance(error, NoneFree):
        return f"all {_MOST} connections of this process were in use for {_WAIT_SECONDS} seconds"
    return str(getattr(error, "orig", error))


def is_away(error: Exception) -> bool:
    """Tell whether the server did not answer, or went away: the same may work in a moment. For a connection was waited already."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or state in _GOING_OR_COMING or state.startswith("08")


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() != "postgresql":
            raise UnusableUrl(masked(url), f"{parsed.get_backend_name()} is not supported")
    except (ArgumentError, NoSuchModuleError) as error:
        raise UnusableUrl(masked(url), masked(str(error))) from error
    return parsed


def _engine(url: URL, **options: Any) -> Engine:
    engine = create_engine(url, connect_args={"connect_timeout": _CONNECT_SECONDS}, **options)
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, record: object) -> None:
    del record
    with connection.cursor() as cursor:
        for setting in _SETTINGS:
            cursor.execute(f"SET {setting}")
    connection.commit()
