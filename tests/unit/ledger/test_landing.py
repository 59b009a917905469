from datetime import timedelta

import msgspec
import pytest

from headrace.core.clock import FixedClock
from headrace.ledger import landing
from headrace.ledger.landing import NewLanding
from headrace.ledger.store import Ledger

NEW = NewLanding(project="shop", name="orders", declaration="d", columns=["a", "b"], pages=[("0f", 10), ("1e", 3)], rows=13, cursor="7")


@pytest.mark.parametrize("cursor", [None, 7, 2.5, "2024-01-01", '{"at": "x"}'])
def test_an_answer_comes_back_as_it_was(ledger: Ledger, cursor: object) -> None:
    with ledger.write("ana", "landing") as session:
        made = landing.record(session, msgspec.structs.replace(NEW, cursor=cursor))
    with ledger.read() as session:
        found = landing.latest(session, "shop", "orders")
    assert found is not None
    assert (found.id, found.cursor, found.actor, found.columns, found.rows) == (made.id, cursor, "ana", ["a", "b"], 13)
    assert [tuple(page) for page in found.pages] == NEW.pages


def test_the_newest_of_its_table_and_project_counts(ledger: Ledger) -> None:
    with ledger.write("ana", "landing") as session:
        landing.record(session, NEW)
        newest = landing.record(session, msgspec.structs.replace(NEW, rows=14))
        landing.record(session, msgspec.structs.replace(NEW, project="other"))
        landing.record(session, msgspec.structs.replace(NEW, name="other"))
    with ledger.read() as session:
        found = landing.latest(session, "shop", "orders")
        assert found is not None
        assert found.id == newest.id
        assert landing.latest(session, "shop", "nothing") is None


def test_the_newest_is_the_one_recorded_last_even_where_the_clock_went_back(ledger: Ledger, clock: FixedClock) -> None:
    for rows in (13, 14):
        with ledger.write("ana", "landing") as session:
            newest = landing.record(session, msgspec.structs.replace(NEW, rows=rows))
        clock.moment -= timedelta(hours=1)
    with ledger.read() as session:
        found = landing.latest(session, "shop", "orders")
    assert found is not None
    assert (found.id, found.rows) == (newest.id, 14)
