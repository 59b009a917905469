"""Sending to a target that does not take what it is sent."""

import io
import time
from collections.abc import Callable, Iterator
from threading import Event

import polars as pl
import pytest

from headrace.app.scoring.errors import NotTaken
from headrace.app.scoring.kafka import KafkaCourier
from headrace.app.scoring.outgoing import Outgoing
from headrace.app.scoring.sending import Courier, Sending
from headrace.core.secrets import Secrets
from headrace.features.stores.contract import Commit
from headrace.features.stores.errors import StoreFault
from headrace.features.stores.memory import MemoryStore
from headrace.spec.errors import SpecError
from headrace.spec.scoring import ToKafka

SMALL = ToKafka("scores", servers="localhost:1", options={"message.max.bytes": "1000"})


class Broken:
    """Satisfies `Courier`, and has a defect."""

    def send(self, partition: int, rows: pl.DataFrame, /) -> Iterator[int]:
        yield 1 // (rows.height - 1)

    def close(self) -> None:
        """Nothing is open."""


def sending(courier: Courier) -> Sending:
    outgoing, store, buffer = Outgoing("late", SMALL), MemoryStore(), io.BytesIO()
    pl.DataFrame({"_arrival": [1], "prediction_id": ["prd_1"], "told": ["x" * 5000]}).write_ipc_stream(buffer)
    store.commit(Commit(put=[(outgoing.field(0, 1), buffer.getvalue())]))
    outgoing.take_over(store, 0)
    return Sending(outgoing, courier, store)


def until(done: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_prediction_that_is_too_large_is_told_and_sent_again() -> None:
    courier = KafkaCourier(SMALL, Secrets({}))
    courier._partitions = 1  # no broker is asked
    begun = sending(courier)
    until(lambda: begun.notes)
    assert "not taken by the topic scores at localhost:1: " in begun.notes[0]
    assert "size too large; they are kept, and sent again" in begun.notes[0]
    begun.raise_failure()
    begun.close()
    assert "wait for the topic scores" in begun.notes[1]


def test_what_ends_the_thread_is_raised_where_it_is_seen() -> None:
    begun = sending(Broken())
    until(lambda: begun._failure)
    with pytest.raises(ZeroDivisionError):
        begun.raise_failure()
    begun.close()


class Slow:
    """Satisfies `Courier`, and is answered when somebody lets it."""

    def __init__(self) -> None:
        self.asked, self.answered, self.closed = Event(), Event(), Event()

    def send(self, partition: int, rows: pl.DataFrame, /) -> Iterator[int]:
        del partition
        self.asked.set()
        self.answered.wait()
        yield rows.height

    def close(self) -> None:
        self.closed.set()


def test_a_target_that_takes_long_holds_nobody_up_who_is_to_stop() -> None:
    courier = Slow()
    begun = sending(courier)
    assert courier.asked.wait(20)
    begun.close(at_once=True)
    assert begun.notes[0].startswith("predictions of ")
    assert not courier.closed.is_set(), "it is still at work"
    courier.answered.set()
    assert courier.closed.wait(20)
    assert begun._outgoing.waiting_bytes, "nobody is to touch a store that is closed"
    begun.raise_failure()


def test_what_the_library_says_of_a_target_is_logged_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "headrace.kafka")
    target = ToKafka("scores", servers="${BROKER}:1", options={"socket.timeout.ms": "1000"})
    courier = KafkaCourier(target, Secrets({"BROKER": "hush.invalid"}))
    until(lambda: courier._producer.poll(0.1) or caplog.records)
    courier.close()
    assert "resolve" in caplog.text
    assert "hush" not in caplog.text


def test_options_that_the_library_does_not_take_are_told_as_those_of_a_source() -> None:
    with pytest.raises(SpecError, match=r"the options of the topic scores at localhost:1 are not taken: .*acks"):
        KafkaCourier(ToKafka("scores", servers="localhost:1", options={"acks": "some"}), Secrets({}))


def test_a_target_is_left_alone_as_long_as_it_asks_to_a_limit() -> None:
    begun = sending(Slow())
    asked = {None: 0.5, 0.1: 0.5, 30.0: 30.0, 1e9: 600.0}
    assert {wait: begun._pause_after(NotTaken("here", "it answers 429", wait)) for wait in asked} == asked
    assert begun._pause_after(StoreFault("read", "here", OSError("away"))) == 0.5
    begun._courier.answered.set()
    begun.close()


class Away:
    """Satisfies `Courier`, and nobody answers it."""

    def send(self, partition: int, rows: pl.DataFrame, /) -> Iterator[int]:
        yield from ()
        raise NotTaken(SMALL.place, f"it does not answer for {rows.height} of partition {partition}")

    def close(self) -> None:
        """Nothing is open."""


def test_what_is_given_up_is_no_sign_of_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.app.scoring.sending._FIRST_PAUSE_SECONDS", 0.01)
    begun = sending(Away())
    until(lambda: begun.notes)
    begun._outgoing._most_bytes = 1
    until(lambda: not begun._outgoing.waiting_bytes)
    begun.close()
    told = list(begun.notes)
    assert len(told) == 2, told
    assert "does not answer" in told[0]
    assert "are given up" in told[1]
