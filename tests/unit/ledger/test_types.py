from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, insert, select, text
from sqlalchemy.exc import StatementError

from headrace.ledger.types import Json, Moment, Money, canonical_json

TABLE = Table(
    "kept", MetaData(), Column("id", Integer, primary_key=True), Column("at", Moment), Column("cost", Money), Column("value", Json)
)


@pytest.fixture
def engine() -> Engine:
    engine = create_engine("sqlite://")
    TABLE.metadata.create_all(engine)
    return engine


def kept(engine: Engine, **row: object) -> tuple[object, ...]:
    with engine.begin() as connection:
        connection.execute(insert(TABLE), row)
        found = tuple(connection.execute(select(TABLE.c.at, TABLE.c.cost, TABLE.c.value)).one())
    engine.dispose()
    return found


def test_a_moment_comes_back_in_utc_with_its_microseconds(engine: Engine) -> None:
    lisbon = datetime(2026, 7, 1, 13, 0, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    (at, _, _) = kept(engine, at=lisbon)
    assert at == datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert at.tzinfo is UTC


def test_a_naive_moment_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="no time zone"):
        kept(engine, at=datetime(2026, 7, 1))  # noqa: DTZ001


def test_money_is_kept_as_text_to_twelve_places(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(insert(TABLE), {"cost": Decimal("0.0000000000014")})
        assert connection.execute(text("SELECT cost, typeof(cost) FROM kept")).one() == ("0.000000000001", "text")
        assert connection.execute(select(TABLE.c.cost)).scalar() == Decimal("0.000000000001")
    engine.dispose()


def test_money_as_a_float_is_refused(engine: Engine) -> None:
    with pytest.raises(StatementError, match="never a float"):
        kept(engine, cost=0.1)


def test_null_stays_null(engine: Engine) -> None:
    assert kept(engine, at=None, cost=None, value=None) == (None, None, None)


def test_canonical_json_is_one_text_for_one_value() -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert canonical_json({"b": (1, 2), "a": {"é", "a"}, "d": Decimal("1.50"), "m": moment}) == (
        '{"a":["a","é"],"b":[1,2],"d":"1.50","m":"2026-07-01T12:00:00+00:00"}'
    )


def test_what_json_cannot_hold_is_named() -> None:
    with pytest.raises(TypeError, match="timedelta"):
        canonical_json({"a": timedelta(1)})
