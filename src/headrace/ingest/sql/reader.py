"""Asking a database: one SELECT, its rows streamed from the server a page at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    FromClause,
    Select,
    TableClause,
    collate,
    column,
    false,
    func,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError, NoSuchTableError

from headrace.core.errors import suggest
from headrace.core.secrets import Secrets
from headrace.core.units import counted
from headrace.ingest.edge import Advance, Edge, edge_at
from headrace.ingest.errors import SourceChanged
from headrace.ingest.python_rows import frame_of
from headrace.ingest.readers import Cursor, Page
from headrace.ingest.sql.engine import open_engine, parsed_url
from headrace.ingest.sql.faults import Asking, told
from headrace.spec.asked import Asked
from headrace.spec.sql import SQL

PAGE_ROWS = 10_000
_POSTGRES_TEXTS = (25, 1042, 1043)  # text, char(n), varchar(n): pg_type.dat


class _Answer(NamedTuple):
    """What the declared table or query gives: where its columns come from, which they are, and which of them are texts in Postgres."""

    rows: FromClause
    names: tuple[str, ...]
    texts: frozenset[str]


def open_sql(source: Asked, secrets: Secrets, root: Path) -> "SqlReader":
    """Return the reader of a database."""
    assert isinstance(source, SQL)
    return SqlReader(source, secrets, root)


class SqlReader:
    """Satisfies `Reader`. Each call of `pages` opens a connection of its own and closes it at the end."""

    def __init__(self, source: SQL, secrets: Secrets, root: Path, page_rows: int = PAGE_ROWS) -> None:
        self._source, self._secrets, self._root, self._page_rows = source, secrets, root, page_rows

    def pages(self, after: Cursor) -> Iterator[Page]:
        """Give the rows in the declared order; after a cursor, those that were not seen before it."""
        start = edge_at(after)
        with self._connected() as connection:
            answer = self._answer(connection)
            notes = self._skipped(connection, answer)
            if not self._source.cursor:
                yield from self._whole(connection, answer)
                return
            yield from self._new(connection, answer, start, notes)

    def _whole(self, connection: Connection, answer: _Answer) -> Iterator[Page]:
        empty = True
        for rows in self._fetched(connection, self._select(connection, answer, None)):
            frame, notes = frame_of(answer.names, rows)
            yield Page(frame, None, notes)
            empty = False
        if empty:
            yield Page(frame_of(answer.names, ())[0])

    def _new(self, connection: Connection, answer: _Answer, start: Edge | None, notes: tuple[str, ...]) -> Iterator[Page]:
        assert self._source.cursor is not None
        advance = Advance(self._source.place, self._source.cursor, start)
        if notes or start is None:
            yield Page(frame_of(answer.names, ())[0], None, notes)
        for rows in self._fetched(connection, self._select(connection, answer, start)):
            frame, told_of = frame_of(answer.names, rows)
            fresh = advance.unseen(frame, rows)
            if fresh.height and advance.edge:
                yield Page(fresh, advance.edge.cursor(), told_of)

    def _select(self, connection: Connection, answer: _Answer, start: Edge | None) -> Select[Any]:
        wanted = select(*(answer.rows.c[name] for name in answer.names))
        if self._source.cursor:
            grows = self._comparable(answer, self._source.cursor)
            wanted = wanted.where(answer.rows.c[self._source.cursor].is_not(None))
            wanted = wanted.where(grows >= start.at) if start else wanted
            wanted = wanted.order_by(grows)
        return wanted.order_by(*(answer.rows.c[name] for name in self._order(connection, answer) if name != self._source.cursor))

    def _comparable(self, answer: _Answer, name: str) -> ColumnElement[Any]:
        # In the order of their bytes, which is also ours; a language's order may change with the next version of the server.
        return collate(answer.rows.c[name], "C") if name in answer.texts else answer.rows.c[name]

    def _order(self, connection: Connection, answer: _Answer) -> Sequence[str]:
        if self._source.order_by:
            return self._source.order_by
        if isinstance(answer.rows, TableClause):
            key = inspect(connection).get_pk_constraint(answer.rows.name, schema=answer.rows.schema)["constrained_columns"]
            return key or answer.names
        return answer.names

    def _skipped(self, connection: Connection, answer: _Answer) -> tuple[str, ...]:
        name = self._source.cursor
        if not name:
            return ()
        without = connection.execute(select(func.count()).select_from(answer.rows).where(answer.rows.c[name].is_(None))).scalar_one()
        return (f"{counted(without, 'row')} without {name}, never asked for",) if without else ()

    def _answer(self, connection: Connection) -> _Answer:
        source = self._source
        if source.table:
            schema, _, name = source.table.rpartition(".")
            try:
                names = tuple(each["name"] for each in inspect(connection).get_columns(name, schema=schema or None))
            except NoSuchTableError:
                remedy = suggest(source.table, _tables(connection))
                raise SourceChanged(source.place, f"there is no table {source.table!r}", remedy, source.location) from None
            rows: FromClause = table(name, *map(column, names), schema=schema or None)
        else:
            names = tuple(connection.execute(select(text("*")).select_from(self._query()).where(false())).keys())
            rows = self._query(*names)
        self._check_columns(names)
        return _Answer(rows, names, self._texts(connection, rows))

    def _query(self, *names: str) -> FromClause:
        # A colon would begin the name of a parameter; what follows a query on its last line may be a comment.
        plain = str(self._source.query).strip().rstrip(";").replace(":", "\\:") + "\n"
        return text(plain).columns(*map(column, names)).subquery("headrace_rows")

    def _texts(self, connection: Connection, rows: FromClause) -> frozenset[str]:
        name = self._source.cursor
        if not name or connection.dialect.name != "postgresql":
            return frozenset()
        with connection.execute(select(rows.c[name]).where(false())) as result:
            kind = result.cursor.description[0][1] if result.cursor is not None else None
        return frozenset({name} if kind in _POSTGRES_TEXTS else ())

    def _check_columns(self, names: tuple[str, ...]) -> None:
        source = self._source
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            problem = f"it gives several columns called {repeated[0]!r}"
            raise SourceChanged(source.place, problem, "Rename all but one: SELECT a AS b.", source.location)
        for use, wanted in (("cursor=", (source.cursor,) if source.cursor else ()), ("order_by=", source.order_by)):
            for name in wanted:
                if name not in names:
                    raise SourceChanged(source.place, f"{use} names {name!r}, which it has not", suggest(name, names), source.location)

    def _fetched(self, connection: Connection, statement: Select[Any]) -> Iterator[Sequence[Any]]:
        with connection.execution_options(stream_results=True, yield_per=self._page_rows).execute(statement) as result:
            yield from result.partitions()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        source = self._source
        url = parsed_url(source, self._secrets)
        engine = open_engine(source, url, self._root)
        try:
            with engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
                yield connection
        except DBAPIError as error:
            # Not as its cause: what SQLAlchemy says has the parameters in it, and what the driver says may have the URL.
            raise told(error, Asking(source.place, source.location, self._redacted(url), lambda: _known_tables(engine))) from None
        finally:
            engine.dispose()

    def _redacted(self, url: URL) -> Any:
        def redact(words: str) -> str:
            words = self._secrets.redact(words)
            return words.replace(str(url.password), "***") if url.password else words

        return redact


def _tables(connection: Connection) -> list[str]:
    found = inspect(connection)
    return [*found.get_table_names(), *found.get_view_names()]


def _known_tables(engine: Engine) -> list[str]:
    """Return what there is, for a suggestion; nothing if the database does not say even that."""
    try:
        with engine.connect() as connection:
            return _tables(connection)
    except DBAPIError:
        return []
