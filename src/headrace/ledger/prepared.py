"""Statements that are built and compiled once.

SQLAlchemy takes longer to build a statement, to look it up and to convert its values than SQLite takes to run it; a write is a dozen
of them.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, CursorResult, Dialect, Table, and_, bindparam, delete, func, insert, select
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


class Prepared:
    """A statement, and the columns that it writes. Thread safe. Values go in by the types of their columns; they come out as the driver
    gives them, so what it reads must be plain numbers and text.
    """

    def __init__(self, statement: ClauseElement, columns: Iterable[str] = ()) -> None:
        self._statement = statement
        self._columns = tuple(columns)
        self._forms: dict[str, _Form] = {}

    def run(self, connection: Connection, *rows: Mapping[str, Any]) -> CursorResult[*tuple[Any, ...]]:
        """Run it once with the parameters of each row; once where there is no row."""
        form = self._forms.get(connection.dialect.name) or self._compiled(connection.dialect)
        if len(rows) > 1:
            return connection.exec_driver_sql(form.text, [form.bound(row) for row in rows])
        return connection.exec_driver_sql(form.text, form.bound(rows[0] if rows else {}))

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
