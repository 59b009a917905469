"""What a transaction gives to the query functions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from headrace.core.ids import id_after, new_id
from headrace.ledger.conversion import Row
from headrace.ledger.database import Connection
from headrace.ledger.ddl import Table
from headrace.ledger.statements import insertion, newest, removal

T = TypeVar("T")


class Session:
    """One open transaction. `now` is its moment, the same for everything written in it; `actor` is who writes ("" in a read).

    Statements are SQL that means the same on SQLite and Postgres, with `:name` for a parameter. A parameter or a column of the result that
    is called like a column of the schema holds what that one holds: a `datetime`, a `Decimal`, JSON.

    Not thread safe: one thread, one session.
    """

    def __init__(
        self, connection: Connection, now: datetime, actor: str = "", subject: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        self.connection = connection
        self.now = now
        self.actor = actor
        self.subject = subject
        self.details: dict[str, Any] = dict(details or {})

    def about(self, subject: str, **details: Any) -> None:
        """Say what the audit row of this write is about, where the caller could not know it before; more details are added."""
        self.subject = self.subject or subject
        self.details.update(details)

    def new_id(self, prefix: str) -> str:
        """Return a new id of the session's moment."""
        return new_id(prefix, self.now)

    def next_id(self, prefix: str, table: Table) -> str:
        """Return a new id that comes after every id of a table, in a write: what is newest by id was recorded last, though clocks go back.

        Ids of one kind in one table: writers take turns, so no other id can come in between.
        """
        return id_after(self.value(newest(table)), prefix, self.now)

    def rows(self, statement: str, /, **values: Any) -> list[Row]:
        """Return what a statement finds."""
        return self.connection.rows(statement, values)

    def value(self, statement: str, /, **values: Any) -> Any:
        """Return the first value of the first row that a statement finds, or None if there is none."""
        return next((next(iter(row.values())) for row in self.rows(statement, **values)), None)

    def all(self, kind: type[T], statement: str, /, **values: Any) -> tuple[T, ...]:
        """Return each row as a `kind`, whose fields are named as the columns."""
        return tuple(kind(**row) for row in self.rows(statement, **values))

    def first(self, kind: type[T], statement: str, /, **values: Any) -> T | None:
        """Return the first row as a `kind`, or None if there is none."""
        return next(iter(self.all(kind, statement, **values)), None)

    def run(self, statement: str, /, **values: Any) -> int:
        """Run a statement that changes rows, and return how many it has changed."""
        return self.connection.run(statement, values)

    def insert(self, table: Table, *rows: Mapping[str, Any]) -> None:
        """Insert rows that have the same columns; none is nothing to do."""
        if rows:
            self.connection.run(insertion(table, tuple(rows[0])), *rows)

    def replace(self, table: Table, *rows: Mapping[str, Any]) -> None:
        """Insert rows that have the same columns in place of those with their primary keys, if there are any."""
        if rows:
            self.connection.run(removal(table), *({name: row[name] for name in table.key} for row in rows))
            self.insert(table, *rows)


def columns_of(value: Any, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return the fields of a struct as a row."""
    return {field: getattr(value, field) for field in value.__struct_fields__ if field not in without}
