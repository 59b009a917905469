"""Identifiers."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from headrace.core.ids import id_after, id_time, new_id, new_ids, settled_id

NOW = datetime(2026, 11, 22, 2, 30, 0, 123000, tzinfo=UTC)


def test_an_id_says_what_it_is_and_when_it_was_made():
    made = new_id("run", NOW)
    assert made.startswith("run_")
    assert len(made) == len("run_") + 26
    assert id_time(made) == NOW


def test_ids_sort_by_moment_whatever_was_made_before():
    later, earlier = new_id("run", NOW + timedelta(milliseconds=1)), new_id("run", NOW)
    assert earlier < later


def test_ids_of_one_moment_increase_in_every_thread():
    made: list[list[str]] = [[], [], []]

    def make(mine: list[str]) -> None:
        mine.extend(new_id("step", NOW) for _ in range(300))

    threads = [threading.Thread(target=make, args=(mine,)) for mine in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each for mine in made for each in mine}) == 900
    for mine in made:
        assert mine == sorted(mine)


@pytest.mark.parametrize("text", ["", "run_", "run_123", "run_" + "u" * 26, "run_" + "0" * 27])
def test_what_is_no_id_is_refused(text):
    with pytest.raises(ValueError, match="is not an id"):
        id_time(text)


def test_an_id_is_the_milliseconds_and_the_random_bits_in_base_32(monkeypatch):
    monkeypatch.setattr("headrace.core.ids.os.urandom", lambda size: bytes(range(250, 250 - size, -1)))
    body = new_id("run", datetime(2100, 1, 1, tzinfo=UTC)).removeprefix("run_")
    number = int(body.translate(str.maketrans("0123456789abcdefghjkmnpqrstvwxyz", "0123456789abcdefghijklmnopqrstuv")), 32)
    assert number >> 80 == 4_102_444_800_000
    assert (number & ((1 << 80) - 1)).to_bytes(10, "big") == bytes(range(250, 240, -1))


def test_many_at_once_are_as_unique_and_as_increasing_as_one_by_one():
    now = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    many = [new_id("prd", now), *new_ids("prd", now, 3000), *new_ids("prd", now, 1), new_id("prd", now)]
    assert len(set(many)) == 3003
    assert many == sorted(many)
    assert {id_time(each) for each in many} == {now}
    assert new_ids("prd", now, 0) == []


def test_many_at_once_carry_into_the_letters_before():
    made = new_ids("x", datetime(2026, 1, 1, tzinfo=UTC), (1 << 20) + 2)  # at least once over the last four letters
    assert len({each[:-4] for each in made}) == 2
    assert made == sorted(set(made))


def test_ids_go_on_after_the_last_when_the_clock_goes_back():
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    last = id_after(None, "run", noon)
    back = [last := id_after(last, "run", noon - timedelta(hours=1)) for _ in range(3)]
    assert back == sorted(set(back))
    assert id_time(back[-1]) == noon
    later = id_after(last, "run", noon + timedelta(seconds=1))
    assert later > last
    assert id_time(later) == noon + timedelta(seconds=1)


def test_an_id_that_is_settled_is_the_same_each_time_and_tells_its_moment():
    moment = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)
    made = settled_id("prd", moment, "flights/late/17")
    assert made == settled_id("prd", moment, "flights/late/17")
    assert id_time(made) == moment
    assert made != settled_id("prd", moment, "flights/late/18")
    assert made < settled_id("prd", moment + timedelta(milliseconds=1), "flights/late/17")
