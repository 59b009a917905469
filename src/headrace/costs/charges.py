"""Charges: what was used times what it costs, line by line."""

import dataclasses
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

from headrace.core.money import ZERO, usd
from headrace.core.units import counted
from headrace.costs.prices import Prices
from headrace.costs.usage import Usage, gib, seconds

_QUANTITY = Decimal("0.000000001")


@dataclasses.dataclass(frozen=True, slots=True)
class ChargeLine:
    """A resource, how much of it (to nine places), its unit price and the amount in USD (to the ledger's twelve)."""

    resource: str
    quantity: Decimal
    unit: str
    unit_price_usd: Decimal
    amount_usd: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class PerThousand:
    """What a thousand predictions cost in USD.

    `used_usd` counts the CPU time they took; `held_usd` a virtual CPU for all the time that the server stood ready for them.
    """

    used_usd: Decimal
    held_usd: Decimal


def charge(usage: Usage, prices: Prices) -> tuple[ChargeLine, ...]:
    """Return a line for each resource that was measured and used."""
    memory = gib(usage.memory_byte_us or 0).scaleb(-6)
    lines = (
        _line("cpu", seconds(usage.cpu_us), "vCPU second", prices.vcpu_second),
        _line("memory", memory, "GiB second", prices.gib_second),
        _line("read", gib(usage.read_bytes or 0), "GiB", prices.gib_read),
        _line("written", gib(usage.written_bytes or 0), "GiB", prices.gib_written),
    )
    return tuple(line for line in lines if line.quantity)


def charge_stored(size_bytes: int, months: Decimal, prices: Prices) -> ChargeLine:
    """Return the line for keeping so many bytes for so many months."""
    return _line("stored", gib(size_bytes) * months, "GiB month", prices.gib_month_stored)


def total_usd(lines: Iterable[ChargeLine]) -> Decimal:
    """Return the sum of the lines, exactly."""
    return sum((line.amount_usd for line in lines), ZERO)


def per_thousand(cpu_seconds: float, wall_seconds: float, predictions: int, prices: Prices) -> PerThousand:
    """Return what a thousand predictions cost, from what so many of them took.

    Raises:
        ValueError: if there were no predictions.
    """
    if predictions < 1:
        raise ValueError(f"the cost of {counted(predictions, 'prediction')} says nothing: measure at least one")
    used, held = (usd(seconds(round(time * 1e6)) * prices.vcpu_second * 1000 / predictions) for time in (cpu_seconds, wall_seconds))
    return PerThousand(used, held)


def _line(resource: str, quantity: Decimal, unit: str, unit_price_usd: Decimal) -> ChargeLine:
    kept = quantity.quantize(_QUANTITY, rounding=ROUND_HALF_EVEN)
    return ChargeLine(resource, kept, unit, unit_price_usd, usd(kept * unit_price_usd))
