"""Opening a database for reading."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from headrace.core.errors import suggest
from headrace.core.secrets import Secrets, placeholders
from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.sql.faults import bad_url, no_driver
from headrace.spec.sql import SQL

_CONNECT_SECONDS = 10
_BUSY_SECONDS = 30


def parsed_url(source: SQL, secrets: Secrets) -> URL:
    """Return the URL with its secrets filled in, each in its place: a password may have any characters.

    Raises:
        SourceRefused: if it is no URL.
        SecretMissing: naming the placeholder.
    """
    try:
        # A placeholder for a whole URL, or for a port, leaves nothing that could be read before it is filled in.
        whole = "://" not in source.url or not _is_url(source.url)
        url = make_url(secrets.fill(source.url)) if whole else _filled(make_url(source.url), secrets)
    except (ArgumentError, ValueError) as error:  # a ValueError for a port that is no number
        raise bad_url(error, source.place, source.url.partition(":")[0], source.location) from None  # its words have the URL in them
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def _is_url(text: str) -> bool:
    try:
        make_url(text)
    except (ArgumentError, ValueError):
        return False
    return True


def _filled(url: URL, secrets: Secrets) -> URL:
    def fill(text: str | None) -> str | None:
        return secrets.fill(text) if text and placeholders(text) else text

    query = {name: secrets.fill(value) if isinstance(value, str) else value for name, value in url.query.items()}
    return URL.create(url.drivername, fill(url.username), fill(url.password), fill(url.host), url.port, fill(url.database), query)


def open_engine(source: SQL, url: URL, root: Path) -> Engine:
    """Return an engine whose connections read and cannot write, as far as the database lets us say so. Connects to nothing yet.

    Raises:
        SourceRefused: if the database's driver is not installed, or nothing knows its dialect.
        SourceUnreadable: if there is no such SQLite file; opening it would make one.
    """
    options: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        url = _located(source, url, root)
        options["connect_args"] = {} if "timeout" in url.query else {"timeout": _BUSY_SECONDS}
    elif url.get_backend_name() == "postgresql":
        url = url.update_query_dict({"connect_timeout": str(_CONNECT_SECONDS), **url.query})
    try:
        engine = create_engine(url, poolclass=NullPool, **options)
    except ModuleNotFoundError as error:
        raise no_driver(error, source.place, source.location) from error
    except ArgumentError as error:
        raise bad_url(error, source.place, url.drivername, source.location) from None
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _only_read)
    elif url.drivername == "postgresql+psycopg":
        event.listen(engine, "connect", _refuse_months)
    return engine


def _located(source: SQL, url: URL, root: Path) -> URL:
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:"):
        remedy = "Name a file: sqlite:///shop.db, relative to the folder of project.py."
        raise SourceUnreadable(f"{source.place} names no file.", remedy=remedy, location=source.location)
    path = root / Path(str(url.database)).expanduser()
    if not path.is_file():
        there = [each.name for each in path.parent.iterdir() if each.is_file()] if path.parent.is_dir() else []
        raise SourceUnreadable(f"there is no file {path}.", remedy=suggest(path.name, there), location=source.location)
    return url.set(database=str(path))


def _only_read(connection: sqlite3.Connection, record: object) -> None:
    del record
    connection.execute("PRAGMA query_only = ON")


def _refuse_months(connection: Any, record: object) -> None:
    """Let Postgres' intervals of months and years be refused: the driver would take a month for thirty days."""
    del record
    from headrace.ingest.sql.intervals import StrictInterval  # psycopg is an extra

    connection.adapters.register_loader("interval", StrictInterval)
