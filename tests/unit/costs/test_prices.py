"""Prices."""

import pickle
from datetime import date
from decimal import Decimal

import pytest

from headrace.costs.errors import CatalogueError, CatalogueMissing, InvalidPrice, UnknownPrice
from headrace.costs.prices import Prices

OWN = """
date = 2026-12-01
currency = "USD"
region = "north"
source = "our bill"
[prices]
vcpu_second = "0.00001"
gib_second = "0.000001"
gib_read = "0"
gib_written = "0.1"
gib_month_stored = "0.02"
"""


def write(folder, text):
    file = folder / "prices.toml"
    file.write_text(text)
    return file


def test_the_shipped_prices_say_that_they_are_examples():
    prices = Prices.load()
    assert "Example" in prices.source
    assert "replace" in prices.source
    assert prices.date >= date(2026, 11, 1)
    assert Decimal("0.000001") < prices.vcpu_second < Decimal("0.001")


def test_a_team_has_its_own(tmp_path):
    prices = Prices.load(write(tmp_path, OWN))
    assert (prices.date, prices.region, prices.vcpu_second) == (date(2026, 12, 1), "north", Decimal("0.00001"))
    assert Prices.load(str(write(tmp_path, OWN))) == prices


@pytest.mark.parametrize(
    ("old", "new", "entry"),
    [
        ('"0.00001"', "0.00001", "prices.vcpu_second"),
        ('"0.00001"', '"-1"', "prices.vcpu_second"),
        ('"0.00001"', '"NaN"', "prices.vcpu_second"),
        ('"0.00001"', '"cheap"', "prices.vcpu_second"),
        ('gib_read = "0"\n', "", "prices.gib_read"),
        ("date = 2026-12-01", 'date = "2026-12-01"', "date"),
        ("date = 2026-12-01", "date = 2026-12-01T00:00:00Z", "date"),
        ('currency = "USD"', 'currency = "EUR"', "currency"),
        ('source = "our bill"', "", "source"),
        ('region = "north"', 'region = ""', "region"),
        ("[prices]", "[price]", "[prices]"),
    ],
)
def test_an_entry_that_is_no_price_is_named(tmp_path, old, new, entry):
    assert old in OWN
    with pytest.raises(InvalidPrice) as caught:
        Prices.load(write(tmp_path, OWN.replace(old, new)))
    assert caught.value.entry == entry
    assert "Expected" in caught.value.remedy
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_price_for_nothing_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(UnknownPrice, match="vcpu_seconds") as caught:
        Prices.load(write(tmp_path, OWN + 'vcpu_seconds = "1"\n'))
    assert "Did you mean 'vcpu_second'?" in caught.value.remedy


def test_a_file_that_is_missing_or_no_toml_is_named(tmp_path):
    with pytest.raises(CatalogueMissing, match=r"nowhere\.toml"):
        Prices.load(tmp_path / "nowhere.toml")
    with pytest.raises(CatalogueError, match="is no TOML"):
        Prices.load(write(tmp_path, "date = "))
