"""Charges: what was used, at what price, for whom; and their totals."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from headrace.core.errors import UserError, suggest
from headrace.core.money import ZERO, usd
from headrace.ledger.conversion import Row
from headrace.ledger.schema import charge
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import matching, selection

_MILLIONTH = Decimal("0.000001")
_KEYS = {
    "run": "run_id",
    "step": "step",
    "model": "model",
    "model_version": "model_version_id",
    "project": "project",
    "resource": "resource",
}
# No store adds text, and floats are not money; but the text always has twelve places, and its parts are integers: dollars, millionths, and
# millionths of those. Sums of them stay below 2**63 for a million million charges.
_TOTALS = """
SELECT {key} AS "key", count(*) AS charges,
    CAST(sum(sign * abs(CAST(substr(amount, 1, length(amount) - 13) AS BIGINT))) AS BIGINT) AS dollars,
    CAST(sum(sign * CAST(substr(amount, length(amount) - 11, 6) AS BIGINT)) AS BIGINT) AS millionths,
    CAST(sum(sign * CAST(substr(amount, length(amount) - 5, 6) AS BIGINT)) AS BIGINT) AS rest
FROM (SELECT charge.*, amount_usd AS amount, CASE WHEN amount_usd LIKE '-%' THEN -1 ELSE 1 END AS sign FROM charge) AS signed
"""


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

    The sums are exact, and made by the store.

    Raises:
        UserError: for another `by`.
    """
    if by not in _KEYS:
        raise UserError(f"cannot total charges by {by!r}.", remedy=suggest(by, _KEYS))
    key, wanted = _KEYS[by], {"project": project, "run_id": run_id, "model": model}
    found = session.rows(matching(_TOTALS.format(key=key), wanted, f"GROUP BY {key}"), **wanted)
    totals = [Total(row["key"], _amount(row), row["charges"]) for row in found]
    return tuple(sorted(totals, key=lambda total: (-total.amount_usd, total.key or "")))


def _amount(row: Row) -> Decimal:
    return usd(Decimal(row["dollars"]) + row["millionths"] * _MILLIONTH + row["rest"] * _MILLIONTH * _MILLIONTH)


def of_run(session: Session, run_id: str) -> tuple[Charge, ...]:
    """Return the charges of a run in the order they were recorded."""
    return session.all(Charge, f"{selection(charge)} WHERE run_id = :run_id ORDER BY id", run_id=run_id)
