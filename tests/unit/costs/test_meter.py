"""The meter, on real work."""

import os
import resource
import subprocess
import sys
import threading
import time

import pytest

from headrace.costs.meter import Meter
from headrace.costs.readings import Reading, read_io, read_rss, read_totals
from headrace.engine.observers import Outcome, StepEnd


def end(step: str, outcome: Outcome = Outcome.DONE) -> StepEnd:
    return StepEnd(step, "f", outcome, 0.0)


def burn(seconds: float) -> None:
    """Use CPU time until the thread itself has used so much."""
    begun = time.thread_time()
    while time.thread_time() - begun < seconds:
        sum(range(1000))


def process_cpu_us() -> int:
    each = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(round(part * 1e6) for used in each for part in (used.ru_utime, used.ru_stime))


def test_parts_add_up_to_what_the_process_used_while_steps_ran():
    meter = Meter()
    burn(0.05)
    before = process_cpu_us()
    meter.step_started("a")
    burn(0.1)
    meter.step_started("b")
    threads = [threading.Thread(target=burn, args=(0.1,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    meter.step_finished(end("a"))
    burn(0.05)
    meter.step_finished(end("b"))
    after = process_cpu_us()
    burn(0.05)
    total = sum(usage.cpu_us for usage in meter.usages().values())
    # Between the readings around and the meter's own lie a few Python calls.
    assert after - before - 5_000 <= total <= after - before
    assert total >= 340_000
    assert meter.usages()["a"].cpu_us > meter.usages()["b"].cpu_us


def test_children_count():
    meter = Meter()
    meter.step_started("a")
    subprocess.run([sys.executable, "-S", "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    meter.step_finished(end("a"))
    usage = meter.usages()["a"]
    assert usage.cpu_seconds >= 0.3
    assert usage.wall_seconds >= 0.3


def test_what_is_used_while_nothing_runs_is_nobodys():
    meter = Meter()
    meter.step_started("a")
    meter.step_finished(end("a"))
    burn(0.2)
    meter.step_started("b")
    meter.step_finished(end("b"))
    assert sum(usage.cpu_us for usage in meter.usages().values()) < 150_000


def test_the_sampler_sees_a_peak_that_is_gone_at_the_end_and_stops_by_itself():
    meter = Meter()
    before = set(threading.enumerate())
    meter.step_started("a")
    start = read_rss()
    block = bytearray(os.urandom(1024)) * (64 * 1024)
    time.sleep(0.3)
    del block
    meter.step_finished(end("a"))
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) <= before
    usage = meter.usages()["a"]
    assert usage.peak_rss_bytes >= start + 48 * 2**20
    assert 0 < usage.memory_byte_us <= usage.peak_rss_bytes * usage.wall_us


@pytest.mark.skipif(read_io() == (None, None), reason="the system does not tell bytes")
def test_bytes_read_and_written_are_counted(tmp_path):
    meter = Meter()
    meter.step_started("a")
    (tmp_path / "file").write_bytes(b"x" * 3_000_000)
    (tmp_path / "file").read_bytes()
    meter.step_finished(end("a"))
    usage = meter.usages()["a"]
    assert 3_000_000 <= usage.written_bytes < 3_200_000
    assert 3_000_000 <= usage.read_bytes < 3_400_000


def test_steps_that_never_ran_used_nothing():
    meter = Meter()
    meter.step_finished(end("a", Outcome.REUSED))
    meter.step_finished(end("b", Outcome.SKIPPED))
    meter.step_progress("a", 1, 2, "rows")
    assert meter.usages() == {}
    assert meter.find("a") is None


def test_a_system_that_does_not_tell_leaves_none_not_zero():
    readings = iter([Reading(0, 0, None, None), Reading(10, 6, None, None)])
    meter = Meter(read=lambda: next(readings), rss=lambda: None)
    meter.step_started("a")
    meter.step_finished(end("a"))
    usage = meter.find("a")
    assert usage is not None
    assert (usage.cpu_us, usage.wall_us) == (6, 10)
    assert (usage.read_bytes, usage.written_bytes, usage.peak_rss_bytes, usage.memory_byte_us) == (None,) * 4


def test_readings_that_are_hidden_are_unknown(tmp_path):
    assert read_io(tmp_path / "none") == (None, None)
    assert read_rss(tmp_path / "none") is None
    (tmp_path / "io").write_text("rchar: 12\nwchar: 34\nsyscr: 5\n")
    assert read_io(tmp_path / "io") == (12, 34)


def test_totals_never_go_back():
    first, second = read_totals(), read_totals()
    assert second.wall_us >= first.wall_us
    assert second.cpu_us >= first.cpu_us
