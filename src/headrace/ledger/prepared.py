"""Statements that are built and compiled once.

SQLAlchemy takes longer to build a statement, to look it up, to convert its values and to wrap its result than SQLite takes to run it,
and a write is half a dozen of them. So SQLite's driver is given them as they are; its errors are wrapped as ever.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Dialect, Table, and_, bindparam, delete, func, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import ClauseElement

_Convert = Callable[[Any], Any]


class _Form(NamedTuple):
    """A statement in the words of one store: its text, the values it always has, and for each parameter how its value is converted."""

    text: str
    positional: bool
    fixed: Mapping[str, Any]
    parameters: tuple[tuple[str, _Convert | None], ...]

    def bound(self, row: Mapping[str, Any]) -> Any:
        values = {**self.fixed, **row} if self.fixed else row
        if self.positional:
            return tuple([values[name] if convert is None else convert(values[name]) for name, convert in self.parameters])
        return {name: values[name] if convert is None else convert(values[name]) for name, convert in self.parameters}


class _Ran(Protocol):
    @property
    def rowcount(self) -> int: ...
    def fetchone(self) -> Any: ...


class Prepared:
    """A statement, and the columns that it writes; it is run inside a transaction that was begun. Thread safe.

    Values go in by the types of their columns; they come out as the driver gives them, so what it reads must be plain numbers and text.
    """

    def __init__(self, statement: ClauseElement, columns: Iterable[str] = ()) -> None:
        self._statement = statement
        self._columns = tuple(columns)
        self._forms: dict[str, _Form] = {}

    def run(self, connection: Connection, *rows: Mapping[str, Any]) -> int:
        """Run it once with the parameters of each row, and return how many rows of the table were changed."""
        return self._ran(connection, rows).rowcount

    def first(self, connection: Connection) -> tuple[Any, ...] | None:
        """Run it without parameters and return the first row that it finds."""
        found = self._ran(connection, ({},)).fetchone()
        return None if found is None else tuple(found)

    def _ran(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> _Ran:
        dialect = connection.dialect
        form = self._forms.get(dialect.name) or self._compiled(dialect)
        bound = form.bound(rows[0]) if len(rows) == 1 else [form.bound(row) for row in rows]
        if dialect.name != "sqlite":
            return connection.exec_driver_sql(form.text, bound)
        driver: Any = connection.connection.driver_connection
        try:
            ran: _Ran = driver.execute(form.text, bound) if len(rows) == 1 else driver.executemany(form.text, bound)
        except sqlite3.Error as error:
            raise DBAPIError.instance(form.text, bound, error, sqlite3.Error, dialect=dialect) from error
        return ran

    def _compiled(self, dialect: Dialect) -> _Form:
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns or None)
        converts = {name: bound.type.dialect_impl(dialect).bind_processor(dialect) for bound, name in compiled.bind_names.items()}
        order = compiled.positiontup if compiled.positional else converts
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        form = _Form(str(compiled), compiled.positional, fixed, tuple((name, converts[name]) for name in order))
        self._forms[dialect.name] = form
        return form


@cache
def insertion(table: Table, columns: tuple[str, ...]) -> Prepared:
    """Return the statement that adds a row with these columns."""
    return Prepared(insert(table), columns)


@cache
def removal(table: Table) -> Prepared:
    """Return the statement that removes the row with a primary key; its parameters are called `key_` and the column."""
    return Prepared(delete(table).where(and_(*(column == bindparam(f"key_{column.name}") for column in table.primary_key))))


@cache
def newest(table: Table) -> Prepared:
    """Return the statement that reads the greatest id."""
    return Prepared(select(func.max(table.c.id)))
