"""Runs whose processes are killed and interrupted, with and without a store that several machines share."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from headrace.engine import store_watch
from headrace.engine.durable import JsonRecords
from headrace.engine.errors import DurableStoreFault, RecordedFailure
from headrace.engine.execution import execute
from headrace.engine.graph import Graph
from headrace.engine.options import ExecuteOptions

from .conftest import Bench, DictMemo, step

# Each step appends its name to a file when it runs, so that a repeated one shows. The memo can be told to forget, so that what is
# not repeated is known from the store's records and not from the memo.
PROJECT = """
import json, os, signal, sys, time
from pathlib import Path
from headrace.core.errors import UserError
from headrace.engine.errors import StepFailed
from headrace.engine.execution import execute
from headrace.engine.options import ExecuteOptions
from headrace.engine.graph import Graph, Step

folder, store_url, deadly, edition = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3], sys.argv[4]

class Memo:
    file = folder / "memo.json"
    def find(self, fingerprint):
        return json.loads(self.file.read_text()).get(fingerprint) if self.file.exists() else None
    def save(self, fingerprint, step_name, output):
        known = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.file.write_text(json.dumps(known | {fingerprint: output}))

def work(context):
    with open(folder / "ran", "a") as log:
        log.write(context.step_name + "\\n")
    if deadly == "fails" and context.step_name == "b":
        raise UserError("b is bad.")
    if deadly == "fails" and context.step_name == "a":
        (folder / "asleep").touch()
        time.sleep(60)
    if context.step_name == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    if deadly == "sleeps" and context.step_name == "c":
        (folder / "asleep").touch()
        time.sleep(60)
    if deadly == "reports" and context.step_name == "c":
        (folder / "asleep").touch()
        while True:
            time.sleep(0.01)
            context.report(0, None, "")
    return {"from": sorted(context.inputs), "name": context.step_name}

steps = [Step("a", "1", (), work), Step("b", "2", (), work), Step("c", edition, ("a", "b"), work), Step("d", "4" + edition, ("c",), work)]
options = ExecuteOptions(run_id="run_1", memo=Memo(), store_url=store_url)
result = execute(Graph(steps), options)
print(json.dumps({"ran": result.ran, "d": result.outputs["d"], "ends": {n: e.outcome for n, e in result.ends.items()}}))
"""


def start(folder: Path, store_url: str | None, deadly: str = "none", edition: str = "3") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROJECT, str(folder), store_url or "", deadly, edition],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,
    )


def hear_interrupts() -> None:
    """A shell without a terminal starts background jobs deaf to Ctrl-C, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ran(folder: Path) -> list[str]:
    return (folder / "ran").read_text().split()


def test_a_killed_run_continues_without_repeating_what_finished(tmp_path, store_url):
    killed = start(tmp_path, store_url, deadly="c")
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(ran(tmp_path)) == ["a", "b", "c"]
    out, err = start(tmp_path, store_url).communicate(timeout=60)
    assert json.loads(out)["d"] == {"from": ["c"], "name": "d"}, err
    assert json.loads(out)["ran"] == ["c", "d"]
    assert sorted(ran(tmp_path)) == ["a", "b", "c", "c", "d"]
    assert err == ""


def test_the_durable_records_alone_keep_finished_steps_from_running_again(tmp_path, postgres_url):
    start(tmp_path, postgres_url, deadly="c").communicate(timeout=60)
    (tmp_path / "memo.json").unlink()
    out, err = start(tmp_path, postgres_url).communicate(timeout=60)
    assert json.loads(out)["ends"] == {"a": "reused", "b": "reused", "c": "done", "d": "done"}, err
    assert sorted(ran(tmp_path)) == ["a", "b", "c", "c", "d"]
    assert sorted(json.loads((tmp_path / "memo.json").read_text())) == ["1", "2", "3", "43"]


def test_a_project_edited_after_the_kill_starts_anew_but_for_what_the_memo_knows(tmp_path, store_url):
    start(tmp_path, store_url, deadly="c").communicate(timeout=60)
    out, err = start(tmp_path, store_url, edition="3b").communicate(timeout=60)
    assert json.loads(out)["ends"] == {"a": "reused", "b": "reused", "c": "done", "d": "done"}, err


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("kind", ["sleeps", "reports"])
def test_the_interrupt_key_stops_soon_and_the_run_continues(tmp_path, store_url, kind):
    process = start(tmp_path, store_url, deadly=kind)
    wait_for(tmp_path / "asleep", process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in err
    assert time.monotonic() - began < 20, "a sleeping step takes 60 s"
    out, err = start(tmp_path, store_url).communicate(timeout=60)
    assert json.loads(out)["ran"] == ["c", "d"], err


def test_executions_follow_each_other_in_one_process_and_leave_no_thread(bench):
    before = set(threading.enumerate())
    for _ in range(3):
        bench.memo.kept.clear()
        assert bench.execute(step("a"), step("b", "a")).ran == ("a", "b")
    assert not set(threading.enumerate()) - before


def test_executions_at_once_get_along(bench):
    ran = []
    threads = [threading.Thread(target=lambda name=name: ran.append(bench.execute(step(name), run_id=f"run_{name}").ran)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ran) == [("a",), ("b",)]


def test_each_step_that_ran_has_a_record_in_json(tmp_path, postgres_url):
    bench = Bench(tmp_path, DictMemo(), postgres_url)
    bench.execute(step("a"))
    bench.execute(step("a"), step("b", "a"), run_id="run_x")
    with psycopg.connect(postgres_url) as store:
        rows = store.execute(
            "select workflow_uuid, function_name, output from dbos.operation_outputs where starts_with(workflow_uuid, 'run_x.')"
        ).fetchall()
        states = store.execute("select distinct status from dbos.workflow_status").fetchall()
    assert [(name, json.loads(output)) for _, name, output in rows] == [("b", {"name": "b", "of": ["a"]})]
    assert states == [("SUCCESS",)]


def test_nothing_listens(bench):
    def look(context):
        lines = [line.split() for file in ("tcp", "tcp6") for line in Path(f"/proc/self/net/{file}").read_text().splitlines()[1:]]
        listening = {f"socket:[{line[9]}]" for line in lines if line[3] == "0A"}
        return {"own": sorted(open_files() & listening)}

    with socket.create_server(("127.0.0.1", 0)) as door:
        assert len(bench.execute(step("a", run=look)).outputs["a"]["own"]) == 1, "the test's own listener is seen"
        assert door.fileno() > 0
    assert bench.execute(step("b", run=look)).outputs["b"]["own"] == []


def open_files() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the folder's own, closed by now
            found.add(str(link.readlink()))
    return found


def test_a_store_that_cannot_be_opened_is_named_without_its_password(bench):
    url = "postgresql://ana:hush@127.0.0.1:1/none?password=hush2"
    with pytest.raises(DurableStoreFault, match=r"/none.* cannot be used") as caught:
        execute(Graph([step("a")]), ExecuteOptions(run_id="run_1", memo=bench.memo, store_url=url))
    assert "hush" not in str(caught.value) + caught.value.place
    assert bench.execute(step("a")).ran == ("a",)


def test_a_failure_on_record_is_tried_again_when_the_run_continues(tmp_path, postgres_url):
    """b fails while a is asleep; then the process is killed before it could tell: whoever runs it again has mended b, as likely as not."""
    process = start(tmp_path, postgres_url, deadly="fails")
    wait_for(tmp_path / "asleep", process)
    deadline = time.monotonic() + 30
    while not recorded(postgres_url, "b"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.communicate()
    out, err = start(tmp_path, postgres_url).communicate(timeout=60)
    assert err == ""
    assert json.loads(out)["ran"] == ["a", "b", "c", "d"]
    assert sorted(ran(tmp_path)) == ["a", "a", "b", "b", "c", "d"]


def recorded(store_url: str, name: str) -> bool:
    query = "select 1 from dbos.operation_outputs where function_name = %s and error is not null"
    with psycopg.connect(store_url) as database:
        return bool(database.execute(query, (name,)).fetchall())


def test_a_recorded_failure_keeps_its_words():
    records = JsonRecords()
    failure = records.deserialize(records.serialize(ValueError("no rows")))
    assert isinstance(failure, RecordedFailure)
    assert "no rows (ValueError, recorded before the run was interrupted)" in str(failure)
    assert records.deserialize(records.serialize({"x": [1, None]})) == {"x": [1, None]}
    assert records.name() == "headrace_json"


def test_a_server_that_stays_away_ends_the_run_with_one_message_and_the_run_goes_on_when_it_is_back(tmp_path, postgres, monkeypatch):
    monkeypatch.setattr(store_watch, "_AWAY_SECONDS", 1.0)  # two minutes, which no test should wait
    monkeypatch.setattr(store_watch, "_EVERY_SECONDS", 0.2)  # a bound made small
    url, ran = postgres.database(), []

    def stops_the_server(context):
        ran.append(context.step_name)
        if len(ran) == 1:
            postgres.stop()
        return {}

    graph, memo = Graph([step("a", run=stops_the_server)]), DictMemo()
    try:
        with pytest.raises(DurableStoreFault, match="cannot be used"):
            execute(graph, ExecuteOptions(run_id="run_1", memo=memo, store_url=url))
    finally:
        postgres.start()
    assert execute(graph, ExecuteOptions(run_id="run_1", memo=memo, store_url=url)).outputs == {"a": {}}
