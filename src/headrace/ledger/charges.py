"""Charges: what was used, at what price, for whom; and their totals."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Text, case, cast, func, select, type_coerce

from headrace.core.errors import UserError, suggest
from headrace.core.money import ZERO, usd
from headrace.ledger.schema import charge
from headrace.ledger.session import Session, columns_of

_MILLIONTH = Decimal("0.000001")
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

    The sums are exact, and made by the store: see `_summed`.

    Raises:
        UserError: for another `by`.
    """
    if by not in _KEYS:
        raise UserError(f"cannot total charges by {by!r}.", remedy=suggest(by, _KEYS))
    query = select(_KEYS[by].label("key"), *_summed(charge.c.amount_usd), func.count().label("charges")).group_by(_KEYS[by])
    for column, wanted in ((charge.c.project, project), (charge.c.run_id, run_id), (charge.c.model, model)):
        if wanted is not None:
            query = query.where(column == wanted)
    found = [
        Total(row.key, usd(Decimal(row.dollars) + row.millionths * _MILLIONTH + row.last * _MILLIONTH * _MILLIONTH), row.charges)
        for row in session.execute(query)
    ]
    return tuple(sorted(found, key=lambda total: (-total.amount_usd, total.key or "")))


def _summed(money: ColumnElement[Decimal]) -> tuple[ColumnElement[int], ...]:
    """Return the sums of dollars, of millionths, and of millionths of those, as integers.

    No store adds text, and floats are not money; but the text always has twelve places, and its parts are integers. Sums of them stay
    below 2**63 for a million million charges.
    """
    text = type_coerce(money, Text)
    sign, places = case((text.like("-%"), -1), else_=1), func.length(text)
    parts = {
        "dollars": func.abs(cast(func.substr(text, 1, places - 13), BigInteger)),
        "millionths": cast(func.substr(text, places - 11, 6), BigInteger),
        "last": cast(func.substr(text, places - 5, 6), BigInteger),
    }
    return tuple(cast(func.sum(sign * part), BigInteger).label(name) for name, part in parts.items())


def of_run(session: Session, run_id: str) -> tuple[Charge, ...]:
    """Return the charges of a run in the order they were recorded."""
    return session.all(Charge, select(charge).where(charge.c.run_id == run_id).order_by(charge.c.id))
