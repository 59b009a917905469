import pickle
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, bindparam, create_engine, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from headrace.ledger.prepared import Prepared, insertion, newest, removal
from headrace.ledger.schema import charge, memo, metadata

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path):
    engine: Engine = create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    with engine.connect() as connection:
        metadata.create_all(connection)
        yield connection
    engine.dispose()


def _memo(name: str, **output: object) -> dict[str, object]:
    return {"output": output, "saved": NOON, "step_name": "s", "fingerprint": name}


def test_values_go_in_as_the_columns_types_want_them(connection: Connection) -> None:
    row = _memo("f", b=[1, None], a="ä")
    insertion(memo, tuple(row)).run(connection, row)
    assert dict(connection.execute(select(memo)).one()._mapping) == row


def test_one_statement_takes_many_rows_or_one(connection: Connection) -> None:
    rows = [_memo("a"), _memo("b", x=1), _memo("c")]
    insertion(memo, tuple(rows[0])).run(connection, *rows)
    removal(memo).run(connection, {"key_fingerprint": "b"})
    assert connection.execute(select(memo.c.fingerprint).order_by(memo.c.fingerprint)).scalars().all() == ["a", "c"]


def test_what_the_statement_says_itself_holds_for_every_row(connection: Connection) -> None:
    connection.execute(insert(memo), [_memo("a"), _memo("b") | {"step_name": "t"}])
    rename = Prepared(update(memo).where(memo.c.fingerprint == bindparam("wanted"), memo.c.step_name == "s"), ("step_name",))
    counts = [rename.run(connection, {"wanted": name, "step_name": "u"}) for name in ("a", "b")]
    assert counts == [1, 0]


def test_the_greatest_id_is_none_while_there_is_no_row(connection: Connection) -> None:
    assert newest(charge).first(connection) == (None,)


def test_for_postgres_parameters_have_names() -> None:
    row = {"amount_usd": Decimal("0.1"), "id": "chg_1"}
    form = insertion(charge, tuple(row))._compiled(postgresql.psycopg.dialect())
    assert form.bound(row) == {"id": "chg_1", "amount_usd": "0.100000000000"}
    assert "%(amount_usd)s" in form.text


def test_what_the_store_refuses_is_an_error_as_everywhere(connection: Connection) -> None:
    row = _memo("f")
    insertion(memo, tuple(row)).run(connection, row)
    for rows in ([row], [_memo("g"), row]):
        with pytest.raises(IntegrityError, match="UNIQUE") as caught:
            insertion(memo, tuple(row)).run(connection, *rows)
        assert isinstance(pickle.loads(pickle.dumps(caught.value)), IntegrityError)
