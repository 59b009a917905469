"""Connections to Postgres, by psycopg."""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
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
_GOING_OR_COMING = frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATE of a server that is shut down, has crashed or is starting (PostgreSQL manual, appendix A)."""


def open_engine(url: str) -> Engine:
    """Return an engine for a URL. Nothing is connected yet.

    Raises:
        UnusableUrl: if the URL names no store we can open, or its driver is not installed.
    """
    try:
        return _engine(_parsed(url), pool_pre_ping=True)
    except ModuleNotFoundError as error:
        reason = f"the driver {error.name!r} is not installed"
        raise UnusableUrl(masked(url), reason, remedy="Install it: pip install 'headrace[postgres]'.") from error


def unpooled(engine: Engine) -> Engine:
    """Return an engine for the same server whose connections are its own: those held for long take none from the pool."""
    return _engine(engine.url, poolclass=NullPool)


def is_away(error: DBAPIError) -> bool:
    """Tell whether the server did not answer, or went away: the same may work in a moment."""
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
