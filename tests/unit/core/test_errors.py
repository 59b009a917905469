"""The root of the errors."""

import pickle
import time

import pytest

from headrace.core.errors import HeadraceError, SystemFault, UserError, closest, suggest
from headrace.core.locations import Location


class OutOfRange(UserError):
    """An error whose constructor takes facts."""

    def __init__(self, option: str, value: int) -> None:
        super().__init__(f"{option} is {value}.", remedy="Take less.", location=Location("project.py", 3))
        self.option = option


def test_the_message_has_place_problem_and_remedy():
    assert str(OutOfRange("trials", 7)) == "project.py:3: trials is 7.\n  Take less."
    assert str(SystemFault("the disk is full.")) == "the disk is full."


@pytest.mark.parametrize("error", [OutOfRange("trials", 7), UserError("x", remedy="y"), SystemFault("z")])
def test_errors_survive_pickling(error):
    error.__notes__ = ["a note"]
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.__dict__ == error.__dict__
    assert again.args == error.args


def test_fault_and_error_are_told_apart():
    assert issubclass(UserError, HeadraceError)
    assert issubclass(SystemFault, HeadraceError)
    assert not issubclass(SystemFault, UserError)


def test_the_nearest_name_is_suggested():
    assert closest("wheather", ["weather", "planes"]) == "weather"
    assert closest("zzz", ["weather", "planes"]) is None
    assert closest("C", ["a", "c"]) == "c"
    assert suggest("wheather", ["weather", "planes"]) == "Did you mean 'weather'? Valid: planes, weather."
    assert suggest("zzz", ["b", "a"]) == "Valid: a, b."
    assert suggest("zzz", []) == "There are none."


def test_a_long_list_is_cut():
    assert suggest("q", [f"n{number}" for number in range(5)], limit=3) == "Valid: n0, n1, n2 and 2 more."


def test_a_name_of_megabytes_costs_no_time():
    started = time.process_time()
    assert suggest("z" * 4_000_000, ["weather"]) == "Valid: weather."
    assert closest("weather" + "z" * 4_000_000, ["weather"]) is None
    assert time.process_time() - started < 0.1
