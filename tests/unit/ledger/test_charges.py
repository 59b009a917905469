from decimal import Decimal

import pytest

from headrace.core.errors import UserError
from headrace.ledger import audit, charges
from headrace.ledger.charges import NewCharge, Total
from headrace.ledger.store import Ledger


def charge(amount: str, **fields: object) -> NewCharge:
    return NewCharge(
        project="flights",
        resource="cpu",
        quantity=1.5,
        unit="s",
        unit_price_usd=Decimal("0.00001"),
        amount_usd=Decimal(amount),
        catalogue="2026-01",
        **fields,
    )


def test_charges_come_back_to_twelve_places(ledger: Ledger, run_id: str) -> None:
    with ledger.write("ana", "charge") as session:
        made = charges.add(session, [charge("0.1234567890126", run_id=run_id, step="train", model="late")])
    with ledger.read() as session:
        assert charges.of_run(session, run_id) == made
        assert made[0].amount_usd == Decimal("0.123456789013")
        assert audit.entries(session)[0].details == {"charged_usd": "0.123456789013"}


def test_totals_are_exact_and_dearest_first(ledger: Ledger, run_id: str) -> None:
    with ledger.write("ana", "charge") as session:
        charges.add(session, [charge("0.1", run_id=run_id, step="ingest") for _ in range(10)])
        charges.add(session, [charge("0.3", run_id=run_id, step="train", model="late"), charge("5", model="early")])
    with ledger.read() as session:
        late = Total("late", Decimal("0.3"), 1)
        assert charges.totals(session, "model") == (Total("early", Decimal(5), 1), Total(None, Decimal(1), 10), late)
        assert charges.totals(session, "model", model="late") == (late,)
        assert charges.totals(session, "step", run_id=run_id) == (Total("ingest", Decimal(1), 10), Total("train", Decimal("0.3"), 1))
        assert charges.totals(session, "project", project="nothing") == ()


def test_nothing_to_add_is_nothing(ledger: Ledger) -> None:
    with ledger.write("ana", "charge") as session:
        assert charges.add(session, []) == ()


def test_an_unknown_total_is_named(ledger: Ledger) -> None:
    with ledger.read() as session, pytest.raises(UserError, match="steps") as caught:
        charges.totals(session, "steps")
    assert "Did you mean 'step'?" in caught.value.remedy
