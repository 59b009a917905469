"""A ledger on a server: Postgres, with SQLAlchemy for its connections, its errors and the parameters of statements."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from headrace.core.errors import SystemFault
from headrace.ledger import types
from headrace.ledger.conversion import Converter, Row
from headrace.ledger.ddl import POSTGRES
from headrace.ledger.errors import LedgerUnreachable
from headrace.ledger.locks import Hold
from headrace.ledger.postgres_engine import ERRORS, is_away, open_engine, reason_of
from headrace.ledger.postgres_locks import hold_session, is_session_held

_CONVERTER = Converter(types.POSTGRES)
_TURN = text(f"SELECT pg_advisory_xact_lock({0x68656164})")  # "head": an arbitrary number, the same in every process
_NONE: Mapping[str, Any] = {}


class Server:
    """A database on a server, at a URL."""

    errors = ERRORS
    shared = True

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)

    @contextmanager
    def begin(self, *, writing: bool) -> Iterator["ServerConnection"]:
        options: dict[str, Any] = {
            "postgresql_readonly": not writing,
            "isolation_level": "READ COMMITTED" if writing else "REPEATABLE READ",
        }
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield ServerConnection(connection)

    @contextmanager
    def relational(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            connection.execute(_TURN)
            yield connection

    def fault_of(self, error: Exception, place: str) -> SystemFault | None:
        if isinstance(error, IntegrityError | DataError | ProgrammingError):
            return None
        return LedgerUnreachable(place, reason_of(error))

    def is_away(self, error: Exception) -> bool:
        return is_away(error)

    def hold_lock(self, name: str, place: str) -> AbstractContextManager[Hold | None]:
        return hold_session(self._engine, name, place)

    def is_held(self, name: str, place: str) -> bool:
        return is_session_held(self._engine, name, place)

    def close(self) -> None:
        self._engine.dispose()


class ServerConnection:
    """A transaction on a server."""

    dialect = POSTGRES

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, values: Mapping[str, Any] = _NONE, /) -> list[Row]:
        found = self._connection.execute(_text(statement), _CONVERTER.bound(values))
        return _CONVERTER.rows(tuple(found.keys()), found)

    def run(self, statement: str, /, *rows: Mapping[str, Any]) -> int:
        bound = [_CONVERTER.bound(row) for row in rows]
        return self._connection.execute(_text(statement), bound[0] if len(bound) == 1 else bound).rowcount

    def take_turns(self) -> None:
        self._connection.execute(_TURN)

    def has_table(self, name: str) -> bool:
        return bool(self.rows("SELECT to_regclass(:name) IS NOT NULL AS found", {"name": name})[0]["found"])


@lru_cache(256)
def _text(statement: str) -> TextClause:
    return text(statement)
