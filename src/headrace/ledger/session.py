"""What a transaction gives to the query functions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Row, Table

from headrace.core.ids import id_after, new_id
from headrace.ledger.prepared import insertion, newest, removal

T = TypeVar("T")


class Session:
    """One open transaction. `now` is its moment, the same for everything written in it; `actor` is who writes ("" in a read).

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
        (last,) = newest(table).first(self.connection) or (None,)
        return id_after(last, prefix, self.now)

    def execute(self, statement: Executable, **values: Any) -> CursorResult[Any]:
        """Run a statement, with values for its parameters."""
        return self.connection.execute(statement, values)

    def insert(self, table: Table, *rows: Mapping[str, Any]) -> None:
        """Insert rows that have the same columns; none is nothing to do."""
        if rows:
            insertion(table, tuple(rows[0])).run(self.connection, *rows)

    def replace(self, table: Table, *rows: Mapping[str, Any]) -> None:
        """Insert rows that have the same columns in place of those with their primary keys, if there are any."""
        if rows:
            keys = [column.name for column in table.primary_key]
            removal(table).run(self.connection, *({f"key_{name}": row[name] for name in keys} for row in rows))
            self.insert(table, *rows)

    def all(self, kind: type[T], statement: Executable, **values: Any) -> tuple[T, ...]:
        """Return each row as a `kind`, whose fields are named as the columns."""
        return tuple(as_struct(kind, row) for row in self.execute(statement, **values))

    def first(self, kind: type[T], statement: Executable, **values: Any) -> T | None:
        """Return the first row as a `kind`, or None if there is none."""
        row = self.execute(statement, **values).first()
        return None if row is None else as_struct(kind, row)


def as_struct(kind: type[T], row: Row[*tuple[Any, ...]]) -> T:
    """Return a row as a value whose fields are named as the columns."""
    return kind(**row._mapping)


def columns_of(value: Any, *, without: Sequence[str] = ()) -> dict[str, Any]:
    """Return the fields of a struct as a row."""
    return {field: getattr(value, field) for field in value.__struct_fields__ if field not in without}
