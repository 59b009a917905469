"""What every declaration shares."""

from decimal import Decimal

import pytest

from headrace.core.fingerprints import fingerprint
from headrace.spec.declaration import as_mapping, as_names, dollars
from headrace.spec.errors import InvalidOption, UnknownName
from headrace.spec.people import Approve, Person
from headrace.spec.tables import Pseudonym


def test_the_line_is_no_part_of_the_meaning():
    one = Person("ana", roles="reviewer")
    other = Person("ana", roles=["reviewer"])
    assert one.location != other.location
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(Person("ana"))


def test_names():
    assert as_names(None) == ()
    assert as_names("ab") == ("ab",)
    assert as_names(iter(["a", "b"])) == ("a", "b")


def test_mappings_keep_their_order_and_are_copies():
    given = {"b": 1, "a": 2}
    kept = as_mapping(given)
    given["c"] = 3
    assert list(kept) == ["b", "a"]
    assert as_mapping(None) == {}


@pytest.mark.parametrize(
    ("written", "amount"), [("0.05", Decimal("0.05")), (0.05, Decimal("0.05")), (1, Decimal(1)), ("five", None), ("NaN", None)]
)
def test_dollars(written, amount):
    assert dollars(written) == amount


def test_people():
    assert Person("ana", roles="reviewer").roles == ("reviewer",)
    assert Approve(role="reviewer").count == 1
    with pytest.raises(InvalidOption, match=r"count of Approve\(\) cannot be 0"):
        Approve(role="reviewer", count=0)
    with pytest.raises(AttributeError):
        Pseudonym().location = None


def test_an_unknown_name_suggests_the_nearest():
    error = UnknownName("model", "lat", ["late", "early"], where="here: ")
    assert str(error) == "here: there is no model 'lat'.\n  Did you mean 'late'? Valid: early, late."
