"""The clock."""

from datetime import UTC, datetime, timedelta

from headrace.core.clock import FixedClock, SystemClock


def test_the_system_clock_is_aware_and_goes_on():
    first, second = SystemClock().now(), SystemClock().now()
    assert first.utcoffset() == timedelta(0)
    assert first <= second


def test_a_fixed_clock_stands_until_it_is_put():
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    assert clock.now() == clock.now() == datetime(2026, 1, 1, tzinfo=UTC)
    clock.moment += timedelta(days=1)
    assert clock.now() == datetime(2026, 1, 2, tzinfo=UTC)
