"""Work in threads."""

import threading

import pytest

from headrace.features.side_by_side import THREADS, side_by_side


def test_what_is_made_comes_in_the_order_of_what_it_was_made_of():
    together = threading.Barrier(min(THREADS, 2))

    def work(number):
        together.wait(10)
        return number * 2

    assert side_by_side(work, range(4)) == [0, 2, 4, 6]


def test_what_has_not_begun_is_left_after_a_failure():
    begun = []

    def work(number):
        begun.append(number)
        if number == 0:
            raise ZeroDivisionError
        threading.Event().wait(0.01)

    with pytest.raises(ZeroDivisionError):
        side_by_side(work, range(1000))
    assert len(begun) < 1000
