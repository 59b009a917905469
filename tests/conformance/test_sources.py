"""One contract, every kind of source that is asked."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from headrace.core.secrets import Secrets
from headrace.ingest.custom import open_custom
from headrace.ingest.errors import SourceUnreachable
from headrace.ingest.readers import Page
from headrace.ingest.sql.reader import SqlReader
from headrace.spec.custom import Custom
from headrace.spec.sql import SQL
from headrace.testing.sources import ROWS, Case, ReaderConformance, Row

PAGE_ROWS = 7
CREATE = "CREATE TABLE numbers (n integer, word text, price double precision)"
CURSORS = pytest.mark.parametrize("cursor", [None, "n"], ids=["whole", "incremental"])


def values(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in rows]


@CURSORS
class TestSqlite(ReaderConformance):
    @pytest.fixture
    def case(self, tmp_path: Path, cursor: str | None) -> Case:
        def add(rows: Sequence[Row]) -> None:
            with sqlite3.connect(tmp_path / "shop.db") as connection:
                connection.executemany("INSERT INTO numbers VALUES (?, ?, ?)", values(rows))
            connection.close()

        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.execute(CREATE)
        connection.close()
        add(ROWS)
        source = SQL("sqlite:///shop.db", table="numbers", cursor=cursor)
        return Case(lambda: SqlReader(source, Secrets({}), tmp_path, PAGE_ROWS), PAGE_ROWS, add=add if cursor else None)


@CURSORS
class TestPostgres(ReaderConformance):
    @pytest.fixture
    def case(self, postgres_url: str, tmp_path: Path, cursor: str | None) -> Case:
        url = make_url(postgres_url)
        password, wrong = str(url.password), "not/the@password"
        with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
            connection.execute(CREATE)

        def add(rows: Sequence[Row]) -> None:
            with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
                connection.cursor().executemany("INSERT INTO numbers VALUES (%s, %s, %s)", values(rows))

        add(ROWS)

        def reader(port: int | None, **secrets: str) -> SqlReader:
            place = f"postgresql://{url.username}:${{PASSWORD}}@{url.host}:{port}/{url.database}"
            source = SQL(place, query="SELECT n, word, price::numeric::float8 AS price FROM numbers -- all", cursor=cursor)
            return SqlReader(source, Secrets(secrets), tmp_path, PAGE_ROWS)

        return Case(
            lambda: reader(url.port, PASSWORD=password),
            PAGE_ROWS,
            unreachable=lambda: reader(1, PASSWORD=password),
            refusing=lambda: reader(url.port, PASSWORD=wrong),
            add=add if cursor else None,
            secrets=(password, wrong),
        )


@CURSORS
class TestFunction(ReaderConformance):
    @pytest.fixture
    def case(self, tmp_path: Path, cursor: str | None) -> Case:
        held = list(ROWS)

        def everything():
            yield from held

        def since(after):
            yield from sorted((row for row in held if after is None or row["n"] >= after), key=lambda row: row["n"])

        def gone():
            raise ConnectionResetError("hush: the other side left")

        return Case(
            lambda: open_custom(Custom(since if cursor else everything, cursor=cursor), Secrets({}), tmp_path, PAGE_ROWS),
            PAGE_ROWS,
            unreachable=lambda: open_custom(Custom(gone), secrets_that_knows("hush"), tmp_path),
            add=held.extend if cursor else None,
            secrets=("hush",),
        )


class Counting:
    """A Reader of somebody's own: its position is how many rows were given."""

    def __init__(self, rows):
        self.rows = rows

    def pages(self, after):
        import polars as pl

        for start in range(int(after or 0), len(self.rows), PAGE_ROWS):
            some = self.rows[start : start + PAGE_ROWS]
            yield Page(pl.DataFrame(some), start + len(some))


class Absent:
    def pages(self, after):
        raise SourceUnreachable("the tape drive", "it is asleep")


class TestReaderOfOnesOwn(ReaderConformance):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        held = list(ROWS)
        return Case(
            lambda: open_custom(Custom(Counting(held)), Secrets({}), tmp_path),
            PAGE_ROWS,
            unreachable=lambda: open_custom(Custom(Absent()), Secrets({}), tmp_path),
            add=held.extend,
        )


def secrets_that_knows(value: str) -> Secrets:
    secrets = Secrets({"KEY": value})
    secrets.fill("${KEY}")
    return secrets
