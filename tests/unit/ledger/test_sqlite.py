"""Connections to a file: which are used again, and which are not."""

import sqlite3
from contextlib import ExitStack
from pathlib import Path

import pytest

from headrace.ledger.database import Connection
from headrace.ledger.sqlite import File


@pytest.fixture
def file(tmp_path: Path) -> File:
    file = File(tmp_path / "numbers.db")
    with file.begin(writing=True) as connection:
        connection.run("CREATE TABLE number (id INTEGER PRIMARY KEY)", {})
    return file


def numbers(file: File) -> list[int]:
    with file.begin(writing=False) as connection:
        return [row["id"] for row in connection.rows("SELECT id FROM number ORDER BY id")]


def test_many_may_read_at_once_and_few_connections_are_kept(file: File) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(file.begin(writing=False)) for _ in range(9)]
        assert [reader.rows("SELECT count(*) AS found FROM number")[0]["found"] for reader in readers] == [0] * 9
    assert len(file._idle[False]) == 5
    file.close()
    assert file._idle == {True: [], False: []}


def test_a_connection_is_used_again(file: File) -> None:
    (kept,) = file._idle[True]
    with file.begin(writing=True) as connection:
        assert connection._driver is kept
    assert file._idle[True] == [kept]
    file.close()


@pytest.mark.parametrize("raised", [ZeroDivisionError, KeyboardInterrupt, sqlite3.OperationalError])
def test_what_was_written_before_an_error_is_taken_back(file: File, raised: type[BaseException]) -> None:
    with pytest.raises(raised), file.begin(writing=True) as connection:
        _write_and_fail(connection, raised)
    assert file._idle[True] == []
    with file.begin(writing=True) as connection:
        assert connection.run("INSERT INTO number VALUES (:id)", {"id": 2}, {"id": 3}) == 2
    assert numbers(file) == [2, 3]
    file.close()


def _write_and_fail(connection: Connection, raised: type[BaseException]) -> None:
    connection.run("INSERT INTO number VALUES (:id)", {"id": 1})
    raise raised


def test_a_reader_may_not_write(file: File) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"), file.begin(writing=False) as connection:
        connection.run("INSERT INTO number VALUES (1)", {})
    assert numbers(file) == []
    file.close()


def test_what_a_migration_meets_is_an_error_of_the_same_driver(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.ledger.sqlite._BUSY_SECONDS", 0.05)
    with file.begin(writing=True), pytest.raises(sqlite3.OperationalError, match="locked"), file.relational():
        pass
    with file.relational() as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (7)")
    assert numbers(file) == [7]
    file.close()


def test_a_table_is_there_or_not(file: File) -> None:
    with file.begin(writing=False) as connection:
        assert (connection.has_table("number"), connection.has_table("letter")) == (True, False)
    file.close()
