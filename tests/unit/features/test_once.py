"""Things that are made once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from headrace.features.once import Once


def test_a_thing_is_made_once_for_all_threads():
    once, made, together = Once(), [], threading.Barrier(8)

    def ask(name):
        together.wait(10)
        return once(name, lambda: made.append(name) or object())

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, ["a", "b"] * 4))
    assert sorted(made) == ["a", "b"]
    assert len(set(map(id, found))) == 2


def test_all_are_told_of_a_failure():
    once = Once()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            once("a", lambda: 1 // 0)
    assert once("b", lambda: 1) == 1
