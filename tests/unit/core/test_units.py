"""Durations and sizes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import UserError
from headrace.core.units import counted, days, every, format_bytes, format_duration, hours, minutes, parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("3h", timedelta(hours=3)),
        ("1d12h", timedelta(hours=36)),
        ("1.5h", timedelta(minutes=90)),
        ("90m", timedelta(minutes=90)),
        ("2w", timedelta(days=14)),
        ("250ms", timedelta(milliseconds=250)),
        ("7us", timedelta(microseconds=7)),
        (timedelta(days=1), timedelta(days=1)),
    ],
)
def test_durations_are_read_as_people_write_them(text, duration):
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "3", "h", "3 h", "-3h", "3y", "3h!", "three hours"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(UserError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["0h", timedelta(0), timedelta(-1)])
def test_a_duration_is_above_zero(text):
    with pytest.raises(UserError, match="is not above zero"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["99999999999w", "3652426d", "9" * 400 + "us", timedelta.max])
def test_a_duration_is_not_longer_than_time(text):
    with pytest.raises(UserError, match="is longer than ten thousand years"):
        parse_duration(text)
    assert parse_duration("3652425d") == timedelta(days=3_652_425)


@given(st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=4000)))
def test_what_is_written_is_read_back(duration):
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("duration", "text"), [(timedelta(0), "0s"), (timedelta(days=28), "4w"), (timedelta(days=45), "45d"), (timedelta(hours=36), "1d12h")]
)
def test_durations_are_short(duration, text):
    assert format_duration(duration) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 2**20, "5.0 MiB"), (2**30, "1.0 GiB"), (2**41, "2.0 TiB")]
)
def test_sizes_are_in_powers_of_1024(size, text):
    assert format_bytes(size) == text


def test_words_for_durations():
    assert (days(1), hours(1), minutes(1)) == (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1))


@pytest.mark.parametrize(
    ("number", "told", "all_told"), [(0, "0 rows", "all 0 rows"), (1, "1 row", "the one row"), (1200, "1,200 rows", "all 1,200 rows")]
)
def test_counts_agree_with_their_noun(number, told, all_told):
    assert counted(number, "row") == told
    assert every(number, "row") == all_told


def test_a_noun_may_bring_its_verb():
    assert [counted(number, "row is", "rows are") for number in (1, 2)] == ["1 row is", "2 rows are"]
