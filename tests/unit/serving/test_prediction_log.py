import errno
import json
import threading
import time
from datetime import UTC, datetime

import msgspec
import pytest

from headrace.core.clock import SystemClock
from headrace.core.storage import StorageFault, named_fault
from headrace.serving.errors import Overloaded, PredictionsLost
from headrace.serving.prediction_log import LogOptions, PredictionLog
from headrace.serving.records import PredictionRecord, values_json


def record(number):
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    return PredictionRecord(
        id=f"prd_{number}",
        moment=moment,
        as_of=moment,
        model="m",
        version="1",
        inputs={},
        features={},
        scores=(0.5,),
        decision=True,
        seconds=0.0,
    )


class Sink:
    """Fails the first `failures` times; waits at a gate."""

    def __init__(self, failures=0, kind=OSError):
        self.failures, self.kind, self.batches, self.seen = failures, kind, [], []
        self.gate = threading.Event()
        self.gate.set()

    def write(self, batch):
        self.gate.wait(10)
        self.seen.append(batch.id)
        if self.failures:
            self.failures -= 1
            raise self.kind("away")
        self.batches.append(batch)


class SlowSink(Sink):
    """Takes its time."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.moments = seconds, []

    def write(self, batch):
        self.moments.append(time.perf_counter())
        time.sleep(self.seconds)
        super().write(batch)

    def apart(self):
        return self.moments[-1] - self.moments[-2]


def fill(log, count):
    for number in range(count):
        log.reserve(1)
        log.append(record(number))


def until(condition):
    deadline = time.perf_counter() + 5
    while not condition():
        assert time.perf_counter() < deadline, "it did not happen in time"
        time.sleep(0.002)


def make(sink, **options):
    log = PredictionLog(sink, SystemClock(), LogOptions(**{"flush_seconds": 0.01, "close_seconds": 1.0, **options}))
    log.start()
    return log


def test_records_arrive_once_and_in_order():
    sink = Sink()
    log = make(sink, batch_records=7)
    fill(log, 100)
    log.close()
    assert [each.id for batch in sink.batches for each in batch.records] == [f"prd_{n}" for n in range(100)]
    assert max(len(batch.records) for batch in sink.batches) <= 7
    status = log.status()
    assert (status.waiting, status.written, status.failures, status.error) == (0, 100, 0, None)


def test_a_full_batch_is_written_without_waiting_for_the_clock():
    sink = Sink()
    log = make(sink, batch_records=5, flush_seconds=60)
    fill(log, 5)
    until(lambda: sink.batches)
    log.close()


class Panic(BaseException):
    """What libraries written in Rust raise when they meet a defect of their own: no Exception."""


@pytest.mark.parametrize("kind", [OSError, Panic])
def test_a_sink_that_fails_gets_the_same_batch_again(kind):
    sink = Sink(failures=2, kind=kind)
    log = make(sink)
    fill(log, 3)
    until(lambda: log.status().written == 3)
    assert log.status().failures == 2
    assert log.status().error is None
    assert len(set(sink.seen)) == len(sink.batches)
    log.close()


def test_a_failure_is_told_while_it_lasts():
    sink = Sink(failures=10**6)
    log = make(sink)
    fill(log, 1)
    until(lambda: log.status().error)
    assert "away" in log.status().error
    sink.failures = 0
    log.close()
    assert log.status().written == 1


def test_no_room_is_said_and_nothing_is_dropped():
    sink = Sink()
    sink.gate.clear()
    log = make(sink, capacity=10)
    fill(log, 10)
    assert not log.status().has_room
    with pytest.raises(Overloaded):
        log.reserve(1)
    sink.gate.set()
    until(lambda: log.status().waiting == 0)
    fill(log, 10)
    log.close()
    assert sum(len(batch.records) for batch in sink.batches) == 20


def test_room_given_back_can_be_taken_again():
    log = make(Sink(), capacity=10)
    log.reserve(10)
    log.release(4)
    log.reserve(4)
    with pytest.raises(Overloaded):
        log.reserve(1)
    log.release(10)
    log.close()


def test_what_could_not_be_written_before_the_stop_is_told():
    sink = Sink(failures=10**6)
    log = make(sink, close_seconds=0.2)
    fill(log, 4)
    with pytest.raises(PredictionsLost, match=r"4 predictions.*away"):
        log.close()
    with pytest.raises(PredictionsLost):
        log.close()


def test_a_sink_that_recovers_during_the_stop_loses_nothing():
    sink = Sink(failures=10**6)
    log = make(sink, close_seconds=5)
    fill(log, 4)
    until(lambda: log.status().failures >= 2)
    threading.Timer(0.2, lambda: setattr(sink, "failures", 0)).start()
    log.close()
    assert log.status().written == 4


def test_a_failure_that_lasts_is_told_once_with_how_many_wait_and_once_more_when_it_is_over(caplog):
    sink = Sink(failures=3)
    log = make(sink, flush_seconds=60)
    fill(log, 2)
    log.close()
    assert [each.getMessage() for each in caplog.records] == [
        "predictions cannot be logged, 2 predictions wait and will be tried again: OSError: away",
        "predictions are logged again; 2 were waiting",
    ]


def test_a_failure_that_lasts_long_is_told_again(caplog):
    sink = Sink(failures=3)
    log = make(sink, flush_seconds=60, retell_seconds=0)
    fill(log, 1)
    log.close()
    assert [each.getMessage().partition(" prediction")[0] for each in caplog.records[:3]] == ["predictions cannot be logged, 1"] * 3


def test_attempts_come_ever_later_at_the_stop_too():
    sink = Sink(failures=10**6)
    log = make(sink, flush_seconds=60, close_seconds=1.5)
    fill(log, 1)
    with pytest.raises(PredictionsLost):
        log.close()
    assert 2 <= len(sink.seen) <= 7  # after 0.05, 0.1, 0.2, 0.4 and 0.75 seconds; one every 0.05 would make thirty


def test_the_place_that_cannot_be_written_is_named_to_the_end():
    sink = Sink(failures=10**6, kind=lambda _: PermissionError(errno.EACCES, "Permission denied", "/lake/log"))
    log = make(sink, close_seconds=0.1)
    fill(log, 2)
    with pytest.raises(PredictionsLost) as lost:
        log.close()
    assert isinstance(lost.value, StorageFault)  # so that nobody makes another fault of it that knows less
    assert named_fault(lost.value) is lost.value
    assert "2 predictions were" in str(lost.value)
    assert str(lost.value).count("/lake/log cannot be written or opened: Permission denied.\n") == 1


def test_usage_adds_up_to_the_process():
    sink = Sink()
    cpu, wall = time.process_time(), time.perf_counter()
    log = make(sink)
    for _ in range(3):
        fill(log, 2)
        sum(n * n for n in range(100_000))
        until(lambda: log.status().waiting == 0)
    log.close()
    windows = [batch.usage for batch in sink.batches]
    assert sum(window.predictions for window in windows) == 6
    assert 0 < sum(window.cpu_seconds for window in windows) <= time.process_time() - cpu
    assert 0 < sum(window.wall_seconds for window in windows) <= time.perf_counter() - wall
    assert all(window.cpu_seconds >= 0 for window in windows)


def test_closing_twice_or_unstarted_changes_nothing():
    log = make(Sink())
    log.close()
    log.close()
    PredictionLog(Sink(), SystemClock()).close()


def test_values_are_written_as_json_takes_them():
    assert values_json({"a": float("nan"), "b": float("inf"), "c": datetime(2024, 1, 1, tzinfo=UTC), "d": None}) == (
        '{"a":null,"b":null,"c":"2024-01-01T00:00:00Z","d":null}'
    )


def test_where_predictions_trickle_in_a_slow_sink_is_given_rest():
    sink = SlowSink(seconds=0.05)
    log = make(sink)
    started = time.perf_counter()
    while time.perf_counter() - started < 2.5:
        fill(log, 1)
        time.sleep(0.01)
    assert len(sink.batches) <= 4  # and not the 40 that it could take
    log.close()
    assert log.status().waiting == 0


def test_a_full_batch_does_not_wait_for_a_sink_to_rest():
    sink = SlowSink(seconds=0.2)
    log = make(sink, batch_records=5)
    fill(log, 1)
    until(lambda: log.status().written == 1)
    fill(log, 5)
    until(lambda: log.status().written == 6)
    assert sink.apart() < 2
    log.close()


def test_an_infinite_feature_is_told_from_a_null_one():
    values = {"ratio": float("-inf"), "share": float("inf"), "count": float("nan"), "size": None, "who": "inf", "far": 2**62, "near": 0.5}
    kept = json.loads(msgspec.structs.replace(record(1), features=values).features_json())
    assert kept == {"ratio": "-inf", "share": "inf", "count": None, "size": None, "who": "inf", "far": 2**62, "near": 0.5}
