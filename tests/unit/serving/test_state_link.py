"""The link to a store that may go away: refused at once, looked for, and back."""

import logging
import threading
import time
from datetime import UTC, datetime

import pytest

from headrace.features.errors import NotFollowed
from headrace.features.stores.errors import StoreFault
from headrace.serving.errors import StateAway
from headrace.serving.state_link import StateLink

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


class Newest:
    """A look at a store, which fails as long as there is a fault."""

    def __init__(self):
        self.fault = None
        self.looked = threading.Event()

    def __call__(self):
        self.looked.set()
        if self.fault is not None:
            raise self.fault
        return {"rides": NOON}


@pytest.fixture
def newest():
    return Newest()


@pytest.fixture
def link(newest):
    link = StateLink(newest)
    link.start()
    yield link
    link.close()


def until(met):
    deadline = time.monotonic() + 10
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_watermarks_are_those_of_the_last_look(link):
    until(lambda: link.status().watermarks == {"rides": NOON})
    assert link.status().fault is None
    link.check()


def test_who_finds_it_away_says_so_to_everybody_and_it_is_looked_for_until_it_is_back(link, newest, caplog):
    until(lambda: link.status().watermarks)
    newest.fault = StoreFault("read", "redis://there", OSError("refused"))
    with caplog.at_level(logging.WARNING, "headrace.serving"):
        away = link.lost(newest.fault)
        assert "refused" in str(away)
        for _ in range(3):
            with pytest.raises(StateAway, match="could not read the online state at redis://there"):
                link.check()
        newest.looked.clear()
        assert newest.looked.wait(10)  # and finds it away still
        assert link.status().fault == "could not read the online state at redis://there: refused"
        assert link.status().watermarks == {"rides": NOON}
        newest.fault = None
        until(lambda: link.status().fault is None)
        link.check()
    told = [record.message for record in caplog.records]
    assert len(told) == 2
    assert told[1] == "the online state answers again"


def test_a_look_finds_what_no_question_has_found(link, newest):
    newest.fault = NotFollowed("rides")
    until(lambda: link.status().fault)
    with pytest.raises(StateAway, match="does not hold all that questions need of the table 'rides'"):
        link.check()
