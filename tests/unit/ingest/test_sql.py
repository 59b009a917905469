"""Databases that are there: SQLite, and a Postgres of the test session's own."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import pytest
from sqlalchemy import make_url

from headrace.core.secrets import Secrets
from headrace.ingest.errors import SourceChanged, SourceRefused, SourceUnreachable, SourceUnreadable, UnsupportedColumn
from headrace.ingest.readers import Page, reader_of
from headrace.ingest.sql.reader import SqlReader
from headrace.spec.sql import SQL

SHOP = "sqlite:///shop.db"


@pytest.fixture
def shop(tmp_path: Path) -> Callable[[str], None]:
    """Run statements in a SQLite database of the test's own."""

    def run(script: str) -> None:
        connection = sqlite3.connect(tmp_path / "shop.db")
        connection.executescript(script)
        connection.close()

    run(
        "CREATE TABLE orders (id integer primary key, word text, at text); INSERT INTO orders VALUES (2, 'b', NULL), (1, 'a', '2024-01-01')"
    )
    return run


@pytest.fixture
def server(postgres_url: str) -> "Server":
    return Server(postgres_url)


class Server:
    """A Postgres database, its administrator, and sources in it."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url).set(drivername="postgresql")
        self.secrets = Secrets({"PASSWORD": str(self.url.password)})

    def run(self, *statements: str) -> list[Any]:
        with psycopg.connect(self.url.render_as_string(hide_password=False), autocommit=True) as connection:
            for statement in statements:
                found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def source(self, **options: Any) -> SQL:
        return SQL(f"postgresql://{self.url.username}:${{PASSWORD}}@{self.url.host}:{self.url.port}/{self.url.database}", **options)

    def pages(self, after: Any = None, page_rows: int = 10_000, **options: Any) -> list[Page]:
        return list(SqlReader(self.source(**options), self.secrets, Path(), page_rows).pages(after))

    def read(self, **options: Any) -> pl.DataFrame:
        return pl.concat([page.rows for page in self.pages(**options)], how="diagonal_relaxed")


def read(root: Path, **options: Any) -> list[tuple[Any, ...]]:
    pages = reader_of(SQL(SHOP, **options), Secrets({}), root).pages(None)
    return [row for page in pages for row in page.rows.rows()]


def failure(root: Path, url: str = SHOP, **options: Any) -> str:
    with pytest.raises((SourceChanged, SourceRefused, SourceUnreadable)) as caught:
        list(reader_of(SQL(url, **options), Secrets({}), root).pages(None))
    assert caught.value.location is not None
    assert caught.value.location.file == __file__
    return str(caught.value)


def test_a_table_comes_in_the_order_of_its_key(shop: object, tmp_path: Path) -> None:
    assert read(tmp_path, table="orders") == [(1, "a", "2024-01-01"), (2, "b", None)]
    assert read(tmp_path, table="orders", order_by="word") == [(1, "a", "2024-01-01"), (2, "b", None)]


def test_a_query_comes_in_the_order_of_all_its_columns(shop: object, tmp_path: Path) -> None:
    assert read(tmp_path, query="SELECT word, id FROM orders ORDER BY id DESC;") == [("a", 1), ("b", 2)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'a:b' AS v, ':word' AS w",
        "SELECT 'a:b' AS v, ':word' AS w -- a comment",
        "WITH x AS (SELECT 'a:b' AS v, ':word' AS w) SELECT * FROM x;\n",
    ],
)
def test_a_query_is_taken_as_it_is_written(shop: object, tmp_path: Path, query: str) -> None:
    assert read(tmp_path, query=query) == [("a:b", ":word")]


def test_names_need_no_care(shop: Callable[[str], None], tmp_path: Path) -> None:
    shop('CREATE TABLE "Order Lines" ("select" integer, "a b" text); INSERT INTO "Order Lines" VALUES (1, \'x\')')
    assert read(tmp_path, table="Order Lines", cursor="select") == [(1, "x")]


def test_no_rows_have_columns(shop: Callable[[str], None], tmp_path: Path) -> None:
    shop("DELETE FROM orders")
    for cursor in (None, "id"):
        pages = list(reader_of(SQL(SHOP, table="orders", cursor=cursor), Secrets({}), tmp_path).pages(None))
        assert [page.rows.shape for page in pages] == [(0, 3)]


def test_rows_without_a_position_are_counted_and_said(shop: Callable[[str], None], tmp_path: Path) -> None:
    pages = list(reader_of(SQL(SHOP, table="orders", cursor="at"), Secrets({}), tmp_path).pages(None))
    assert [note for page in pages for note in page.notes] == ["1 row without at, never asked for"]
    assert sum(page.rows.height for page in pages) == 1
    again = list(reader_of(SQL(SHOP, table="orders", cursor="at"), Secrets({}), tmp_path).pages(pages[-1].cursor))
    assert [(page.rows.height, page.cursor, page.notes) for page in again] == [(0, None, ("1 row without at, never asked for",))]


def test_what_is_not_there_is_named_with_the_nearest(shop: object, tmp_path: Path) -> None:
    assert "there is no table 'order'.\n  Did you mean 'orders'" in failure(tmp_path, table="order")
    assert "no such table: order.\n  Did you mean 'orders'" in failure(tmp_path, query="SELECT * FROM order_".replace("order_", '"order"'))
    assert "cursor= names 'ids', which it has not.\n  Did you mean 'id'" in failure(tmp_path, table="orders", cursor="ids")
    assert "order_by= names 'x'" in failure(tmp_path, table="orders", order_by=["id", "x"])
    assert "there is no file" in (told := failure(tmp_path, "sqlite:///shopp.db", table="orders"))
    assert "Did you mean 'shop.db'" in told
    assert not (tmp_path / "shopp.db").exists()


def test_a_query_that_is_none_has_the_words_of_the_database(shop: object, tmp_path: Path) -> None:
    assert 'near "FORM": syntax error.\n  Mend the query' in failure(tmp_path, query="SELECT * FORM orders")


def test_nothing_can_be_written(shop: object, tmp_path: Path) -> None:
    failure(tmp_path, query="DELETE FROM orders RETURNING id")
    assert len(read(tmp_path, table="orders")) == 2


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "shop.db").write_text("a,b\n1,2\n" * 200, encoding="utf-8")
    assert "file is not a database" in failure(tmp_path, table="orders")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql+pymysql://db/sales", "pip install 'pymysql'"),
        ("snowflake://db/sales", "pip install 'snowflake-sqlalchemy'"),
        ("nosuch://db/sales", "there is no dialect for 'nosuch'"),
        ("postgresql://db:port/sales", "its url cannot be read"),
        ("sqlite://", "names no file"),
    ],
)
def test_what_cannot_be_opened_says_what_is_missing(tmp_path: Path, url: str, words: str) -> None:
    assert words in failure(tmp_path, url, table="orders")


def test_a_database_that_is_busy_may_be_asked_again(shop: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.ingest.sql.engine._BUSY_SECONDS", 0)  # a bound made small
    holder = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(SourceUnreachable, match="database is locked") as caught:
        read(tmp_path, table="orders")
    assert caught.value.retried, "SQLite has waited itself: nobody waits for it three times more"
    holder.close()


def test_postgres_types(server: Server) -> None:
    frame = server.read(
        query="""SELECT 1::smallint AS small, 2::bigint AS big, 1.5::real AS single, 12.34::numeric(6, 2) AS money, true AS yes,
            'é'::varchar AS word, DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:00:00.123456' AS clock,
            TIMESTAMPTZ '2024-02-29 12:00:00+02' AS moment, TIME '13:14' AS at, INTERVAL '2 days 3 hours' AS took,
            '12345678-1234-5678-1234-567812345678'::uuid AS id, '{"a": [1, null]}'::jsonb AS doc, ARRAY[1, 2] AS list,
            '10.0.0.1'::inet AS host, NULL::integer AS nothing"""
    )
    assert frame.row(0) == (
        1, 2, 1.5, 12.34, True, "é", date(2024, 2, 29), datetime(2024, 2, 29, 12, 0, 0, 123456),  # noqa: DTZ001
        datetime(2024, 2, 29, 10, tzinfo=UTC), time(13, 14), timedelta(days=2, hours=3), "12345678-1234-5678-1234-567812345678",
        '{"a": [1, null]}', "[1, 2]", "10.0.0.1", None,
    )  # fmt: skip
    assert frame.schema["clock"] == pl.Datetime("us")
    assert frame.schema["moment"] == pl.Datetime("us", "UTC")


def test_a_decimal_becomes_a_float_and_that_is_said(server: Server) -> None:
    assert server.pages(query="SELECT 12.34::numeric AS money")[0].notes == ("money: decimals as floats",)


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        ("'\\x00'::bytea", UnsupportedColumn, "'v' is of bytes"),
        ("INTERVAL '1 month'", SourceChanged, "months or years, which are of no fixed length"),
        ("TIMESTAMP 'infinity'", SourceChanged, "infinity"),
        ("12345678901234567890::numeric::text::numeric(20, 0) / 0", SourceChanged, "division by zero"),
    ],
)
def test_what_tables_do_not_hold_is_refused(server: Server, value: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        server.read(query=f"SELECT {value} AS v")


def test_a_text_grows_in_the_order_of_its_bytes(server: Server) -> None:
    server.run('CREATE TABLE t (v text COLLATE "en-x-icu")', "INSERT INTO t VALUES ('b'), ('B'), ('a'), ('A'), ('é'), ('_')")
    pages = server.pages(table="t", cursor="v", page_rows=2)
    assert [value for page in pages for value in page.rows["v"]] == ["A", "B", "_", "a", "b", "é"]
    assert [value for page in server.pages(pages[2].cursor, table="t", cursor="v") for value in page.rows["v"]] == ["b", "é"]


def test_a_table_of_another_schema(server: Server) -> None:
    server.run("CREATE SCHEMA sales", "CREATE TABLE sales.orders (id integer)", "INSERT INTO sales.orders VALUES (1)")
    assert server.read(table="sales.orders").rows() == [(1,)]


def test_two_columns_of_one_name_are_refused(server: Server) -> None:
    with pytest.raises(SourceChanged, match="several columns called 'n'"):
        server.read(query="SELECT 1 AS n, 2 AS n")


def test_signs_of_drivers_are_letters_of_a_query(server: Server) -> None:
    assert server.read(query="SELECT 'a%sb' AS v WHERE 'x%y' LIKE '%%y' AND 1::text = '1'").rows() == [("a%sb",)]


def test_a_view_is_a_table(server: Server) -> None:
    server.run("CREATE VIEW numbers AS SELECT generate_series(1, 3) AS n")
    assert server.read(table="numbers").rows() == [(1,), (2,), (3,)]


def test_rows_of_one_moment_that_come_later_are_found(server: Server) -> None:
    server.run("CREATE TABLE t (at timestamptz, v integer)", "INSERT INTO t VALUES ('2024-01-01', 1), ('2024-01-02', 2)")
    cursor = server.pages(table="t", cursor="at")[-1].cursor
    server.run("INSERT INTO t VALUES ('2024-01-02', 3), ('2024-01-02', 2), ('2024-01-03', 4)")
    assert [row[1] for page in server.pages(cursor, table="t", cursor="at") for row in page.rows.rows()] == [2, 3, 4]


def test_the_server_is_asked_for_what_is_new_and_cannot_be_written_to(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.run("CREATE TABLE t (n integer)", "INSERT INTO t SELECT generate_series(1, 100)")
    server.run("CREATE FUNCTION spoil() RETURNS integer LANGUAGE sql AS 'INSERT INTO t VALUES (0) RETURNING n'")
    cursor = server.pages(table="t", cursor="n")[-1].cursor
    server.run("SET log_min_duration_statement = 0")
    assert server.pages(cursor, table="t", cursor="n") == []
    with pytest.raises(SourceChanged, match="read-only transaction"):
        server.pages(query="SELECT spoil() AS n")
    assert server.run("SELECT count(*) FROM t") == [(100,)]


def test_rows_are_streamed_from_the_server(server: Server) -> None:
    reader = SqlReader(server.source(query="SELECT generate_series(1, 3000000) AS n", order_by="n"), server.secrets, Path(), 1000)
    pages = reader.pages(None)
    assert next(pages).rows["n"].to_list() == list(range(1, 1001))
    pages.close()
    assert server.run(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 3000000)%' AND pid <> pg_backend_pid()"
    ) == [(0,)]


def test_postgres_names_what_is_not_there(server: Server) -> None:
    server.run("CREATE TABLE orders (id integer)")
    with pytest.raises(SourceChanged, match=r'relation "order_" does not exist.*\n  Did you mean \'orders\''):
        server.read(query="SELECT * FROM order_")
    with pytest.raises(SourceChanged, match=r"syntax error at or near .FORM."):
        server.read(query="SELECT * FORM orders")
    with pytest.raises(SourceChanged, match=r"Perhaps you meant to reference the column"):
        server.read(query="SELECT idd FROM orders")


def test_who_may_not_read_is_told_so(server: Server) -> None:
    password = str(server.url.password)
    server.run("CREATE TABLE hidden (id integer)", f"DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN PASSWORD '{password}'")
    address = f"{server.url.host}:{server.url.port}"
    try:
        for url, options, words in (
            (f"postgresql://guest:${{PASSWORD}}@{address}/{server.url.database}", {"query": "SELECT * FROM hidden"}, "permission denied"),
            (f"postgresql://guest:${{PASSWORD}}@{address}/nosuch", {"table": "hidden"}, "does not exist"),
            (f"postgresql://guest:${{WRONG}}@{address}/{server.url.database}", {"table": "hidden"}, "authentication failed"),
        ):
            secrets = Secrets({"PASSWORD": password, "WRONG": "p@ss/word"})
            with pytest.raises(SourceRefused, match=words) as caught:
                list(SqlReader(SQL(url, **options), secrets, Path()).pages(None))
            assert password not in str(caught.value)
            assert "p@ss" not in str(caught.value)
    finally:
        server.run("DROP ROLE guest")


def test_a_secret_may_be_the_whole_url(server: Server) -> None:
    secrets = Secrets({"SALES_URL": server.url.render_as_string(hide_password=False)})
    assert next(SqlReader(SQL("${SALES_URL}", query="SELECT 1 AS n"), secrets, Path()).pages(None)).rows.rows() == [(1,)]
    with pytest.raises(SourceChanged) as caught:
        list(SqlReader(SQL("${SALES_URL}", query="SELECT x"), secrets, Path()).pages(None))
    assert str(server.url.password) not in str(caught.value)


def test_what_was_read_is_known_again_when_it_comes_alone_or_with_more_columns(shop: Callable[[str], None], tmp_path: Path) -> None:
    shop("CREATE TABLE t (id integer primary key, n numeric); INSERT INTO t VALUES (1, 1.5), (2, 5)")
    reader = reader_of(SQL(SHOP, table="t", cursor="id"), Secrets({}), tmp_path)
    cursor = list(reader.pages(None))[-1].cursor
    assert list(reader.pages(cursor)) == []
    shop("ALTER TABLE t ADD COLUMN more integer DEFAULT 7")
    assert list(reader.pages(cursor)) == []
    shop("INSERT INTO t VALUES (3, 2, 8)")
    assert [page.rows.rows() for page in reader.pages(cursor)] == [[(3, 2, 8)]]
