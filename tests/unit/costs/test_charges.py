"""Charges."""

from decimal import Decimal

import pytest

from headrace.costs.charges import ChargeLine, charge, charge_stored, per_thousand, total_usd
from headrace.costs.prices import Prices
from headrace.costs.usage import Usage

GIB = 2**30
PRICES = Prices(
    date=Prices.load().date,
    currency="USD",
    region="r",
    source="s",
    vcpu_second=Decimal("0.00001"),
    gib_second=Decimal("0.000002"),
    gib_read=Decimal("0.5"),
    gib_written=Decimal("0.25"),
    gib_month_stored=Decimal("0.02"),
)


def test_each_resource_has_its_line():
    usage = Usage(
        cpu_us=2_500_000, wall_us=4_000_000, memory_byte_us=GIB * 4_000_000, peak_rss_bytes=2 * GIB, read_bytes=GIB // 2, written_bytes=GIB
    )
    assert charge(usage, PRICES) == (
        ChargeLine("cpu", Decimal("2.5"), "vCPU second", Decimal("0.00001"), Decimal("0.000025")),
        ChargeLine("memory", Decimal(4), "GiB second", Decimal("0.000002"), Decimal("0.000008")),
        ChargeLine("read", Decimal("0.5"), "GiB", Decimal("0.5"), Decimal("0.25")),
        ChargeLine("written", Decimal(1), "GiB", Decimal("0.25"), Decimal("0.25")),
    )
    assert total_usd(charge(usage, PRICES)) == Decimal("0.500033")


def test_what_was_not_used_or_not_measured_has_none():
    assert [line.resource for line in charge(Usage(cpu_us=1), PRICES)] == ["cpu"]
    assert charge(Usage(), PRICES) == ()
    assert total_usd(()) == 0


def test_storage_is_charged_by_the_month():
    assert charge_stored(3 * GIB, Decimal("0.5"), PRICES).amount_usd == Decimal("0.03")


def test_a_thousand_predictions():
    cost = per_thousand(0.5, 10.0, 2000, PRICES)
    assert (cost.used_usd, cost.held_usd) == (Decimal("0.0000025"), Decimal("0.00005"))
    with pytest.raises(ValueError, match="measure at least one"):
        per_thousand(1.0, 1.0, 0, PRICES)
