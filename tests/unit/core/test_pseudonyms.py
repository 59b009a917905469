"""Pseudonyms."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest

from headrace.core.pseudonyms import PATTERN, pseudonymise

KEY = b"k" * 32


def test_a_pseudonym_is_half_an_hmac_of_the_text():
    assert pseudonymise("N14228", KEY) == "pn_" + hmac.new(KEY, b"N14228", hashlib.sha256).hexdigest()[:32]


def test_null_stays_null():
    assert pseudonymise(None, KEY) is None


@pytest.mark.parametrize(
    "equal",
    [(7, 7.0, "7"), (1e20, 10**20), (0.5, "0.5"), (True, "true"), (False, "false"), (timedelta(seconds=1.5), "1.5s")],
)
def test_equal_values_stay_equal_whatever_their_type(equal):
    assert len({pseudonymise(value, KEY) for value in equal}) == 1


def test_a_moment_is_one_in_every_zone():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert pseudonymise(noon, KEY) == pseudonymise(noon.astimezone(timezone(timedelta(hours=5))), KEY)


@pytest.mark.parametrize("value", ["", 0, -1.25, float("nan"), float("inf"), datetime(1970, 1, 1, tzinfo=UTC)])
def test_every_pseudonym_looks_alike(value):
    assert PATTERN.fullmatch(pseudonymise(value, KEY))


def test_another_key_gives_another_pseudonym():
    assert pseudonymise("a", KEY) != pseudonymise("a", b"other")
