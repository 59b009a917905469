"""Charges: what was used, at what price, for whom; and their totals."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec
from sqlalchemy import ColumnElement, select

from headrace.core.errors import UserError, suggest
from headrace.core.money import ZERO, usd
from headrace.ledger.schema import charge
from headrace.ledger.session import Session, columns_of

_KEYS: dict[str, ColumnElement[str | None]] = {
    "run": charge.c.run_id,
    "step": charge.c.step,
    "model": charge.c.model,
    "model_version": charge.c.model_version_id,
    "project": charge.c.project,
    "resource": charge.c.resource,
}


class NewCharge(msgspec.Struct, frozen=True, kw_only=True):
    """A charge about to be recorded: `quantity` of a `resource` in a `unit`, at a price out of a dated `catalogue`.

    The amount is kept to 12 places.
    """

    project: str
    resource: str
    quantity: float
    unit: str
    unit_price_usd: Decimal
    amount_usd: Decimal
    catalogue: str
    run_id: str | None = None
    step: str | None = None
    model: str | None = None
    model_version_id: str | None = None


class Charge(NewCharge, frozen=True, kw_only=True):
    """A recorded charge."""

    id: str
    charged: datetime


class Total(msgspec.Struct, frozen=True):
    """The sum of charges with the same key.

    The key is None for those that belong to none: a step that several models share has no model.
    """

    key: str | None
    amount_usd: Decimal
    charges: int


def add(session: Session, charges: Iterable[NewCharge]) -> tuple[Charge, ...]:
    """Record charges."""
    made = tuple(
        Charge(
            **{**columns_of(each), "unit_price_usd": usd(each.unit_price_usd), "amount_usd": usd(each.amount_usd)},
            id=session.new_id("chg"),
            charged=session.now,
        )
        for each in charges
    )
    session.insert(charge, *(columns_of(each) for each in made))
    session.details["charged_usd"] = sum((each.amount_usd for each in made), session.details.get("charged_usd", ZERO))
    return made


def totals(
    session: Session, by: str, *, project: str | None = None, run_id: str | None = None, model: str | None = None
) -> tuple[Total, ...]:
    """Return the totals by run, step, model, model_version, project or resource, dearest first; every charge counts in exactly one.

    The sums are exact: amounts are added as `Decimal` here, since no store adds text.

    Raises:
        UserError: for another `by`.
    """
    if by not in _KEYS:
        raise UserError(f"cannot total charges by {by!r}.", remedy=suggest(by, _KEYS))
    query = select(_KEYS[by].label("key"), charge.c.amount_usd)
    for column, wanted in ((charge.c.project, project), (charge.c.run_id, run_id), (charge.c.model, model)):
        if wanted is not None:
            query = query.where(column == wanted)
    sums: dict[str | None, Decimal] = {}
    counts: dict[str | None, int] = {}
    for row in session.execute(query):
        sums[row.key] = sums.get(row.key, ZERO) + row.amount_usd
        counts[row.key] = counts.get(row.key, 0) + 1
    found = [Total(key, amount, counts[key]) for key, amount in sums.items()]
    return tuple(sorted(found, key=lambda total: (-total.amount_usd, total.key or "")))


def of_run(session: Session, run_id: str) -> tuple[Charge, ...]:
    """Return the charges of a run in the order they were recorded."""
    return session.all(Charge, select(charge).where(charge.c.run_id == run_id).order_by(charge.c.id))
