"""What a database's errors mean: whose fault they are and what to do. Their words are passed on without secrets."""

import re
import sqlite3
from collections.abc import Callable, Iterable
from typing import NamedTuple

from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from headrace.core.errors import HeadraceError, suggest
from headrace.core.locations import Location
from headrace.ingest.errors import SourceChanged, SourceRefused, SourceUnreachable

# Drivers of the dialects that SQLAlchemy brings, by the package that has them.
_PACKAGES = {
    "psycopg": "headrace[postgres]", "psycopg2": "psycopg2-binary", "asyncpg": "headrace[postgres]", "MySQLdb": "mysqlclient",
    "pymysql": "pymysql", "mysql": "mysql-connector-python", "mariadb": "mariadb", "pyodbc": "pyodbc", "pymssql": "pymssql",
    "oracledb": "oracledb", "cx_Oracle": "oracledb",
}  # fmt: skip
_DIALECTS = {
    "bigquery": "sqlalchemy-bigquery", "clickhouse": "clickhouse-sqlalchemy", "clickhousedb": "clickhouse-connect",
    "databricks": "databricks-sqlalchemy", "duckdb": "duckdb-engine", "redshift": "sqlalchemy-redshift",
    "snowflake": "snowflake-sqlalchemy", "trino": "trino[sqlalchemy]",
}  # fmt: skip
_REFUSED = re.compile(
    r"authentication failed|access denied|permission denied|not authorized|no password supplied|pg_hba\.conf|login failed|ORA-01017"
    r"|role \"[^\"]*\" does not exist",
    re.IGNORECASE,
)
_NO_DATABASE = re.compile(r"database \"?[^\" ]*\"? does not exist|unknown database|cannot open database", re.IGNORECASE)
_NO_FILE = re.compile(r"file is not a database|malformed", re.IGNORECASE)
_NO_TABLE = re.compile(r"relation \"([^\"]+)\" does not exist|no such table: ([^\s]+)|Table '([^']+)' doesn't exist", re.IGNORECASE)
# Classes of SQLSTATE (ISO 9075, and Postgres for 53, 57, 58 and XX): connection, resources, intervention, system, rollback.
_MAY_PASS = ("08", "40", "53", "55", "57", "58", "XX")
_REFUSING = ("28", "0P")
_INSUFFICIENT_PRIVILEGE = "42501"


class Asking(NamedTuple):
    """What was being asked when it failed. `redact` takes secrets out of a text; `tables` lists what there is, for suggestions."""

    place: str
    location: Location | None
    redact: Callable[[str], str]
    tables: Callable[[], Iterable[str]]


def told(error: DBAPIError, asking: Asking) -> HeadraceError:
    """Return the error that says what a database's own means."""
    words, state = asking.redact(_words(error)), str(getattr(error.orig, "sqlstate", None) or "")
    if state.startswith(_REFUSING) or state == _INSUFFICIENT_PRIVILEGE or (not state and _REFUSED.search(words)):
        remedy = "Check the user name, the password and what that user may read."
        return SourceRefused(asking.place, words, remedy, asking.location)
    if _NO_DATABASE.search(words):
        return SourceRefused(asking.place, words, "Check the name of the database at the end of the url.", asking.location)
    if _NO_FILE.search(words):
        return SourceChanged(asking.place, words, "Check the path in the url: it must name a SQLite database.", asking.location)
    missing = _NO_TABLE.search(words)
    if missing:
        name = next(group for group in missing.groups() if group)
        return SourceChanged(asking.place, words, suggest(name, asking.tables()), asking.location)
    if state.startswith(_MAY_PASS) or (not state and _may_pass(error)):
        return SourceUnreachable(asking.place, words, retried=_has_waited(error), location=asking.location)
    return SourceChanged(asking.place, words, "Mend the query; the words are the database's.", asking.location)


def no_driver(error: ModuleNotFoundError, place: str, location: Location | None) -> SourceRefused:
    """Return the error for a driver that is not installed."""
    name = str(error.name)
    package = _PACKAGES.get(name.partition(".")[0], name)
    return SourceRefused(place, f"the driver {name!r} is not installed", f"Install it: pip install '{package}'.", location)


def bad_url(error: ArgumentError | ValueError, place: str, scheme: str, location: Location | None) -> SourceRefused:
    """Return the error for a URL that is none, or of a database without a dialect."""
    if not isinstance(error, NoSuchModuleError):
        expected = "Write it as SQLAlchemy does: postgresql://user:${PASSWORD}@host:5432/database or sqlite:///shop.db."
        return SourceRefused(place, "its url cannot be read", expected, location)
    package = _DIALECTS.get(scheme.partition("+")[0])
    remedy = (
        f"Install it: pip install '{package}'." if package else "Install the package that brings it, or check the beginning of the url."
    )
    return SourceRefused(place, f"there is no dialect for {scheme!r}", remedy, location)


def _words(error: DBAPIError) -> str:
    """Return the first line of what the database said, with the hint that Postgres gives."""
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    hints = [line.removeprefix("HINT:").strip() for line in lines[1:] if line.startswith("HINT:")]
    return " ".join([*(lines[:1] or [type(error.orig).__name__]), *hints]).rstrip(".")


def _has_waited(error: DBAPIError) -> bool:
    """Tell whether the driver has tried for as long as is patient: SQLite does where somebody else has the file locked."""
    code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return isinstance(error.orig, sqlite3.Error) and code == sqlite3.SQLITE_BUSY


def _may_pass(error: DBAPIError) -> bool:
    """Tell whether an error without a SQLSTATE may pass: of a connection, or a SQLite file that is locked or on a disk that fails."""
    if isinstance(error.orig, sqlite3.Error):
        code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return error.connection_invalidated or type(error.orig).__name__ in ("OperationalError", "InterfaceError")
