"""Executing graphs: reuse, order, failure, retries, interruption."""

import errno
import os
import pickle
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from headrace.core.errors import SystemFault, UserError
from headrace.core.storage import DiskFull
from headrace.engine.errors import InvalidOutput, StepExited, StepFailed, StepPanicked, StepTimedOut
from headrace.engine.observers import Outcome
from headrace.engine.patience import Patience
from headrace.engine.schedule import THREAD_NAME

from .conftest import step


def test_outputs_flow_down(bench, notes):
    result = bench.execute(step("c", "a", "b"), step("a"), step("b", "a"), observers=(notes,))
    assert result.outputs["c"] == {"name": "c", "of": ["a", "b"]}
    assert list(result.ends) == ["a", "b", "c"]
    assert result.ran == ("a", "b", "c")
    assert notes.said == [(word, name) for name in "abc" for word in ("started", "done")]
    assert all(end.seconds > 0 for end in notes.ends.values())


def test_unchanged_steps_are_reused_and_only_what_depends_on_a_change_runs(bench, notes):
    graph = [step("a"), step("b", "a"), step("c")]
    bench.execute(*graph)
    again = bench.execute(*graph, observers=(notes,))
    assert again.ran == ()
    assert notes.said == [("reused", name) for name in again.ends]
    changed = bench.execute(step("a"), step("b", "a", fingerprint="changed"), step("c"))
    assert changed.ran == ("b",)
    assert changed.outputs["b"] == {"name": "b", "of": ["a"]}


def test_without_dbos_a_shared_store_is_refused_by_one_line():
    script = """
import sys
sys.modules["dbos"] = None  # as where it is not installed
from headrace.engine.errors import DbosNotInstalled
from headrace.engine.execution import execute
from headrace.engine.options import ExecuteOptions
from headrace.engine.graph import Graph, Step
class Memo:
    def find(self, fingerprint): return None
try:
    execute(Graph([Step("a", "1", (), None)]), ExecuteOptions(run_id="r", memo=Memo(), store_url="postgresql://nowhere/x"))
except DbosNotInstalled as error:
    print(error)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "pip install 'headrace[postgres]'" in ran.stdout, ran.stderr


@pytest.mark.parametrize(("known", "store_url"), [("{'x': 1}", "nowhere"), ("None", None)], ids=["nothing to do", "on one machine"])
def test_dbos_is_not_imported(tmp_path, known, store_url):
    script = f"""
import sys
from headrace.engine.execution import execute
from headrace.engine.options import ExecuteOptions
from headrace.engine.graph import Graph, Step
class Memo:
    def find(self, fingerprint): return {known}
    def save(self, fingerprint, step_name, output): pass
work = lambda context: {{"x": 1}}
options = ExecuteOptions(run_id="r", memo=Memo(), store_url={store_url!r})
result = execute(Graph([Step("a", "1", (), work), Step("b", "2", ("a",), work)]), options)
assert result.outputs == {{"a": {{"x": 1}}, "b": {{"x": 1}}}}
assert not {{"dbos", "sqlalchemy", "rich", "polars"}} & set(sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_independent_steps_run_at_the_same_time(bench):
    meeting = threading.Barrier(2)

    def meet(context):
        meeting.wait(timeout=20)
        return {}

    assert set(bench.execute(step("a", run=meet), step("b", run=meet)).ran) == {"a", "b"}


def test_no_more_steps_run_at_once_than_there_are_workers(bench):
    running, most = [], []

    def crowd(context):
        running.append(context.step_name)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.remove(context.step_name)
        return {}

    bench.execute(*(step(name, run=crowd) for name in "abcdef"))
    assert max(most) == 2


def test_equal_fingerprints_run_once(bench, notes):
    calls = []

    def count(context):
        calls.append(context.step_name)
        return {"name": context.step_name}

    result = bench.execute(
        step("a", run=count, fingerprint="same"), step("b", run=count, fingerprint="same"), step("c", "b"), observers=(notes,)
    )
    assert calls == ["a"]
    assert result.outputs["b"] == {"name": "a"}
    assert notes.ends["b"].outcome is Outcome.REUSED
    assert result.outputs["c"]["of"] == ["a"]


def test_a_failure_stops_what_depends_on_it_and_nothing_else(bench, notes):
    def fail(context):
        raise UserError("the file is empty.", remedy="Put rows in it.")

    graph = [step("bad", run=fail), step("after", "bad"), step("later", "after"), step("good"), step("well", "good")]
    with pytest.raises(StepFailed, match="step 'bad' failed: the file is empty") as caught:
        bench.execute(*graph, observers=(notes,))
    assert (caught.value.step, caught.value.skipped) == ("bad", ("after", "later"))
    assert isinstance(caught.value.cause, UserError)
    assert caught.value.cause.remedy == "Put rows in it."
    assert {name: str(end.outcome) for name, end in notes.ends.items()} == {
        "bad": "failed",
        "after": "skipped",
        "later": "skipped",
        "good": "done",
        "well": "done",
    }
    assert sorted(bench.memo.kept) == ["fingerprint of good", "fingerprint of well"]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_every_failure_is_told_and_the_twin_of_a_failed_step_is_skipped(bench, notes):
    def divide(context):
        return {"x": 1 / 0}

    with pytest.raises(StepFailed) as caught:
        bench.execute(step("a", run=divide, fingerprint="z"), step("b", run=divide), step("c", run=divide, fingerprint="z"))
    assert set(caught.value.failures) == {"a", "b"}
    assert caught.value.skipped == ("c",)
    assert "ZeroDivisionError: division by zero" in str(caught.value)
    assert "Failed too: b." in str(caught.value)


def test_a_failed_run_can_be_executed_again(bench):
    broken = [True]

    def once(context):
        if broken:
            raise UserError("not yet.")
        return {}

    graph = [step("a"), step("b", "a", run=once)]
    with pytest.raises(StepFailed):
        bench.execute(*graph, run_id="run_x")
    broken.clear()
    assert bench.execute(*graph, run_id="run_x").ran == ("b",)


@pytest.mark.parametrize(("fault", "tries"), [(SystemFault("the network went away."), 3), (UserError("no."), 1), (ValueError("no"), 1)])
def test_only_system_faults_are_tried_again(bench, notes, fault, tries):
    calls = []

    def fail(context):
        calls.append(1)
        raise fault

    with pytest.raises(StepFailed) as caught:
        bench.execute(step("a", run=fail), observers=(notes,))
    assert caught.value.cause is fault
    assert len(calls) == tries
    assert notes.said == [("started", "a"), ("failed", "a")]


def test_a_fault_that_passes_is_not_seen(bench):
    calls = []

    def fail_once(context):
        calls.append(1)
        if len(calls) == 1:
            raise SystemFault("busy.")
        return {"calls": len(calls)}

    assert bench.execute(step("a", run=fail_once)).outputs["a"] == {"calls": 2}


def test_one_attempt_means_no_retry(bench):
    calls = []

    def fail(context):
        calls.append(1)
        raise SystemFault("busy.")

    with pytest.raises(StepFailed):
        bench.execute(step("a", run=fail), attempts=1)
    assert len(calls) == 1


def test_a_step_that_exits_fails_like_any_other(bench):
    def leave(context):
        sys.exit(3)

    with pytest.raises(StepFailed) as caught:
        bench.execute(step("a", run=leave), step("b"))
    assert isinstance(caught.value.cause, StepExited)
    assert "SystemExit(3)" in str(caught.value)
    assert "fingerprint of b" in bench.memo.kept


class Panic(BaseException):
    """What libraries written in Rust raise when they meet a defect of their own: no Exception."""


def test_a_step_whose_library_panics_fails_like_any_other(bench):
    def panic(context):
        raise Panic("index out of bounds")

    with pytest.raises(StepFailed) as caught:
        bench.execute(step("a", run=panic), step("b"))
    assert isinstance(caught.value.cause, StepPanicked)
    assert "Panic(index out of bounds)" in str(caught.value)
    assert "fingerprint of b" in bench.memo.kept


def test_an_output_that_is_no_json_is_refused(bench):
    with pytest.raises(StepFailed) as caught:
        bench.execute(step("a", run=lambda context: {"x": object()}))
    assert isinstance(caught.value.cause, InvalidOutput)


def test_progress_reaches_the_observers(bench, notes):
    def work(context):
        context.report(1, 2, "rows")
        context.report(2, None, "rows")
        return {}

    bench.execute(step("a", run=work), observers=(notes,))
    assert notes.reports == [("a", 1, 2, "rows"), ("a", 2, None, "rows")]


class Broken:
    """An observer that cannot write."""

    def __init__(self, at: str, error: BaseException | None = None) -> None:
        self.at = at
        self.error = error or OSError("the disk is full")

    def step_started(self, step: str) -> None:
        if self.at == "started":
            raise self.error

    def step_progress(self, step, done, total, unit) -> None:
        pass

    def step_finished(self, end) -> None:
        if self.at == "finished":
            raise self.error


@pytest.mark.parametrize("at", ["started", "finished"])
def test_an_observer_that_fails_ends_the_run_but_loses_no_output(bench, at):
    with pytest.raises(OSError, match="the disk is full"):
        bench.execute(step("a"), step("b", "a"), observers=(Broken(at),))
    assert list(bench.memo.kept) == ["fingerprint of a"]
    assert bench.execute(step("a"), step("b", "a")).ran == ("b",)


@pytest.mark.parametrize("at", ["started", "finished"])
@pytest.mark.parametrize("error", [SystemExit("enough"), Panic("enough")])
def test_an_observer_that_wants_to_end_the_process_is_heard_by_whoever_waits(bench, at, error):
    with pytest.raises(type(error), match="enough"):
        bench.execute(step("a"), step("b", "a"), observers=(Broken(at, error),))
    assert list(bench.memo.kept) == ["fingerprint of a"]


def test_an_observer_that_fails_on_reused_steps_is_heard(bench):
    bench.execute(step("a"))
    with pytest.raises(OSError, match="the disk is full"):
        bench.execute(step("a"), observers=(Broken("finished"),))


def test_a_memo_that_fails_fails_the_step(bench):
    def refuse(fingerprint, step_name, output):
        raise UserError("the ledger is read-only.")

    bench.memo.save = refuse
    with pytest.raises(StepFailed, match="the ledger is read-only"):
        bench.execute(step("a"))


def test_a_fault_that_does_not_pass_by_itself_is_tried_once(bench):
    tries = []

    def full(context):
        tries.append(context)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(bench.folder / "x"))

    with pytest.raises(StepFailed) as failed:
        bench.execute(step("a", run=full))
    assert isinstance(failed.value.cause, DiskFull)
    assert f"there is no room left to write {bench.folder / 'x'}" in str(failed.value)
    assert len(tries) == 1


def test_a_memo_and_an_observer_that_fail_for_a_moment_are_tried_again(bench, notes):
    trouble = iter([SystemFault("away"), SystemFault("away"), None, SystemFault("away"), None])
    save, told = bench.memo.save, notes.step_finished

    def flaky(do):
        def wrapped(*facts):
            fault = next(trouble)
            if fault:
                raise fault
            do(*facts)

        return wrapped

    bench.memo.save, notes.step_finished = flaky(save), flaky(told)
    assert bench.execute(step("a"), observers=(notes,)).ran == ("a",)
    assert notes.said == [("started", "a"), ("done", "a")]


def test_a_step_over_its_time_fails_and_what_it_gives_too_late_is_not_kept(bench, notes):
    go_on = threading.Event()
    graph = [step("slow", run=lambda context: {"name": str(go_on.wait(20))}), step("after", "slow"), step("quick")]
    with pytest.raises(StepFailed) as failed:
        bench.execute(*graph, observers=(notes,), step_timeout=timedelta(seconds=3))
    assert isinstance(failed.value.cause, StepTimedOut)
    assert "step 'slow' took longer than 3s" in str(failed.value)
    assert "HEADRACE_STEP_TIMEOUT" in str(failed.value)
    assert failed.value.skipped == ("after",)
    slow = next(thread for thread in threading.enumerate() if thread.name == f"{THREAD_NAME}slow")
    go_on.set()
    slow.join(20)
    assert list(bench.memo.kept) == ["fingerprint of quick"]
    assert bench.execute(*graph, step_timeout=timedelta(seconds=20)).ran == ("slow", "after")


def test_a_step_over_its_time_is_told_when_it_next_reports(bench):
    ended = threading.Event()

    def reports(context):
        try:
            while True:
                context.report(0, None, "")
                time.sleep(0.01)
        finally:
            ended.set()

    with pytest.raises(StepFailed, match="took longer than"):
        bench.execute(step("a", run=reports), step_timeout=timedelta(seconds=0.1))
    assert ended.wait(20)


def test_pauses_double_and_are_blurred():
    patience = Patience(first_pause_seconds=1.0)
    pauses = [[patience.pause_seconds(failed) for _ in range(50)] for failed in (1, 2, 3)]
    assert all(0.5 * 2**n <= pause <= 1.5 * 2**n for n, some in enumerate(pauses) for pause in some)
    assert all(len(set(some)) > 1 for some in pauses)
