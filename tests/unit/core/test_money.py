"""Money."""

from decimal import Decimal

import pytest

from headrace.core.money import format_usd, usd


def test_a_float_never_enters():
    with pytest.raises(TypeError, match=r"write usd\('0.1'\)"):
        usd(0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "kept"),
    [("1", "1.000000000000"), (2, "2.000000000000"), (Decimal("0.0000000000005"), "0E-12"), ("0.0000000000015", "2E-12")],
)
def test_amounts_keep_twelve_places_half_to_even(amount, kept):
    assert str(usd(amount)) == kept


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0"),
        ("1234.567", "$1,234.57"),
        ("1", "$1.00"),
        ("0.5", "$0.500"),
        ("0.00012345", "$0.000123"),
        ("-2.5", "-$2.50"),
        ("0.9999", "$1.00"),
    ],
)
def test_amounts_are_shown_as_people_read_them(amount, shown):
    assert format_usd(Decimal(amount)) == shown
