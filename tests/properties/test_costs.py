"""Usage and money add up."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from headrace.core.money import usd
from headrace.costs.charges import charge, per_thousand, total_usd
from headrace.costs.meter import Meter
from headrace.costs.prices import Prices
from headrace.costs.readings import Reading
from headrace.costs.usage import Usage
from headrace.engine.observers import Outcome, StepEnd

AMOUNTS = st.integers(0, 10**13)
USAGES = st.builds(Usage, AMOUNTS, AMOUNTS, st.none() | AMOUNTS, st.none() | AMOUNTS, st.none() | AMOUNTS, st.none() | AMOUNTS)
PRICE = st.decimals(0, 100, places=9)
PRICES = st.builds(
    Prices,
    date=st.dates(),
    currency=st.just("USD"),
    region=st.just("r"),
    source=st.just("s"),
    **dict.fromkeys(("vcpu_second", "gib_second", "gib_read", "gib_written", "gib_month_stored"), PRICE),
)


@given(USAGES, PRICES)
def test_a_line_is_quantity_times_price_and_lines_add_up(usage, prices):
    lines = charge(usage, prices)
    assert all(line.amount_usd == usd(line.quantity * line.unit_price_usd) for line in lines)
    assert total_usd(lines) == sum((line.amount_usd for line in lines), Decimal(0))
    assert total_usd(lines) == usd(total_usd(lines))
    assert total_usd(lines[:1]) + total_usd(lines[1:]) == total_usd(lines)


@given(st.lists(USAGES, min_size=1, max_size=6), PRICES)
def test_parts_cost_what_the_whole_costs_but_for_rounding(usages, prices):
    whole = sum(usages, Usage())
    parts = sum((total_usd(charge(usage, prices)) for usage in usages), Decimal(0))
    # A line is rounded twice: its quantity to nine places, its amount to twelve.
    dearest = max(prices.vcpu_second, prices.gib_second, prices.gib_read, prices.gib_written)
    assert abs(parts - total_usd(charge(whole, prices))) <= 4 * (len(usages) + 1) * (dearest * Decimal("0.5e-9") + Decimal("0.5e-12"))


@given(USAGES, USAGES, USAGES)
def test_usages_add_up_in_any_order(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Usage() == a


@given(st.integers(0, 10**9), st.integers(1, 10**6), PRICES)
def test_a_thousand_cost_a_thousand_times_one(cpu_us, predictions, prices):
    cost = per_thousand(cpu_us / 1e6, 0.0, predictions, prices)
    assert abs(cost.used_usd * predictions / 1000 - Decimal(cpu_us).scaleb(-6) * prices.vcpu_second) <= Decimal("1e-9")
    assert cost.held_usd == 0


EVENTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)), max_size=40)


@given(EVENTS)
def test_whatever_runs_beside_what_the_parts_add_up_exactly(events):
    """Steps 0 to 5 start or finish at will; the process uses something between any two events."""
    now = Reading(0, 0, 0, 0)
    running: set[str] = set()
    used = [0, 0, 0]
    meter = Meter(read=lambda: now, rss=lambda: 7)
    runs = 0
    names: dict[int, str] = {}
    for slot, cpu, read, written in events:
        now = Reading(now.wall_us + 1000, now.cpu_us + cpu, (now.read_bytes or 0) + read, (now.written_bytes or 0) + written)
        if running:
            used = [total + more for total, more in zip(used, (cpu, read, written), strict=True)]
        if slot in names:
            name = names.pop(slot)
            running.remove(name)
            meter.step_finished(StepEnd(name, "f", Outcome.DONE, 0.0))
        else:
            runs += 1
            names[slot] = f"step {runs}"
            running.add(names[slot])
            meter.step_started(names[slot])
    for name in names.values():
        meter.step_finished(StepEnd(name, "f", Outcome.DONE, 0.0))
    whole = sum(meter.usages().values(), Usage())
    assert [whole.cpu_us, whole.read_bytes or 0, whole.written_bytes or 0] == used
