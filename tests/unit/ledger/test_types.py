"""Values in a file. That a server keeps the same is the conformance suite's."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from headrace.ledger.database import Connection
from headrace.ledger.ddl import SQLITE, Column, Table
from headrace.ledger.schema import TABLES
from headrace.ledger.sqlite import File
from headrace.ledger.statements import insertion
from headrace.ledger.types import Kind, canonical_json

# Called like columns of the schema, by whose names values are converted.
KEPT = Table(
    "kept",
    Column("id", Kind.NUMBER, key=True),
    Column("charged", Kind.MOMENT, null=True),
    Column("amount_usd", Kind.MONEY, null=True),
    Column("details", Kind.JSON, null=True),
    Column("passed", Kind.FLAG, null=True),
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    file = File(tmp_path / "kept.db")
    with file.begin(writing=True) as connection:
        for statement in KEPT.statements(SQLITE):
            connection.run(statement, {})
        yield connection
    file.close()


def kept(connection: Connection, **row: object) -> object:
    """Return what comes back of a value."""
    connection.run(insertion(KEPT, tuple(row)), row)
    (found,) = connection.rows("SELECT * FROM kept")
    (name,) = row
    return found[name]


def test_a_moment_comes_back_in_utc_with_its_microseconds(connection: Connection) -> None:
    lisbon = datetime(2026, 7, 1, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    at = kept(connection, charged=lisbon)
    assert at == datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert at.tzinfo is UTC


def test_a_moment_is_kept_as_text_whose_order_is_that_of_time(connection: Connection) -> None:
    """As ledgers have kept it from the first version on: those that exist are read by it."""
    kept(connection, charged=datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert connection.rows("SELECT charged AS text FROM kept") == [{"text": "2026-07-01 12:00:00.000000"}]


def test_a_naive_moment_is_refused(connection: Connection) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        kept(connection, charged=datetime(2026, 7, 1))  # noqa: DTZ001


def test_money_is_kept_as_text_to_twelve_places(connection: Connection) -> None:
    assert kept(connection, amount_usd=Decimal("0.0000000000014")) == Decimal("0.000000000001")
    told = connection.rows("SELECT amount_usd AS text, typeof(amount_usd) AS stored FROM kept")
    assert told == [{"text": "0.000000000001", "stored": "text"}]


def test_money_as_a_float_is_refused(connection: Connection) -> None:
    with pytest.raises(TypeError, match="never a float"):
        kept(connection, amount_usd=0.1)


@pytest.mark.parametrize("name", ["charged", "amount_usd", "details", "passed"])
def test_null_stays_null(connection: Connection, name: str) -> None:
    assert kept(connection, **{name: None}) is None


def test_a_flag_is_a_flag(connection: Connection) -> None:
    assert kept(connection, passed=False) is False


def test_a_name_means_the_same_in_every_table() -> None:
    """Or what it holds would be converted as if it were of another kind."""
    as_they_are = {Kind.NAME, Kind.TEXT, Kind.NUMBER, Kind.COUNT, Kind.FLOAT}
    kinds: dict[str, set[Kind | None]] = {}
    for column in (each for table in TABLES for each in table.columns):
        kinds.setdefault(column.name, set()).add(None if column.kind in as_they_are else column.kind)
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}
    assert sum(found == {Kind.MOMENT} for found in kinds.values()) > 10


def test_canonical_json_is_one_text_for_one_value() -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert canonical_json({"b": (1, 2), "a": {"é", "a"}, "d": Decimal("1.50"), "m": moment}) == (
        '{"a":["a","é"],"b":[1,2],"d":"1.50","m":"2026-07-01T12:00:00+00:00"}'
    )


def test_canonical_json_can_be_kept_whatever_its_texts_hold() -> None:
    assert json.loads(canonical_json("caf\udce9\0").encode()) == "caf\udce9\0"
    assert canonical_json(json.loads(canonical_json("\udce9"))) == canonical_json("\udce9")


def test_what_json_cannot_hold_is_named() -> None:
    with pytest.raises(TypeError, match="timedelta"):
        canonical_json({"a": timedelta(1)})
