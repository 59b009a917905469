"""A home with several descriptions, models and predictions, and what is left of it when what nothing needs is freed."""

import csv
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from deltalake import DeltaTable
from services.s3 import S3

from headrace.app import prediction_table
from headrace.app.collecting import collect as collecting
from headrace.app.prediction_table import PREDICTIONS
from headrace.lake.lake import Lake

from .command import ask, environment, refused, run_command, served
from .small_project import write_project

QUESTIONS = "shop,amount,email,placed\n" + "".join(f"s1,{amount},b4@example.org,2030-03-31T12:00:00Z\n" for amount in (10, 150))
WITHOUT_GRACE = ("--grace", "1us")


def describe(project: Path, retention: str, *changes: tuple[str, str]) -> None:
    """Change the description, and give it rules of retention."""
    text = project.read_text(encoding="utf-8")
    text = re.sub(r", retention=.*\)\n$", ")\n", text)
    text = text.removesuffix(")\n") + f", retention=hr.Retention({retention}))\n"
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    project.write_text(text, encoding="utf-8")


def measured(project: Path) -> dict[str, int]:
    """Return the size of every file of the home but the ledger."""
    home = project.parent / ".headrace"
    files = [path for path in home.rglob("*") if path.is_file() and not path.name.startswith("ledger.db")]
    return {str(path.relative_to(home)): path.stat().st_size for path in files}


def predict(project: Path, **more: str) -> list[str]:
    """Predict two rows with the champion; return the predictions' ids."""
    (project.parent / "questions.csv").write_text(QUESTIONS, encoding="utf-8")
    run_command(project, "predict", "returned", "questions.csv", "answers.csv", **more)
    with (project.parent / "answers.csv").open(encoding="utf-8") as file:
        return [row["prediction_id"] for row in csv.DictReader(file)]


def lived(project: Path, **more: str) -> list[str]:
    """Walk on from the first run: a champion that predicted and was retired, one rejected, one that serves; return the predictions."""
    run_command(project, "approve", "returned", "--comment", "fine", user="ben", **more)
    made = predict(project, **more)
    describe(project, "", ('over="7d"', 'over="14d"'))
    run_command(project, "run", **more)  # rejected: no better than the champion
    describe(project, "", ('over="14d"', 'over="21d"'), ('hr.gate.beats("champion"), ', ""))
    run_command(project, "run", **more)
    run_command(project, "features", "publish", **more)  # of the one that is about to be retired
    run_command(project, "approve", "returned", "--comment", "better", user="ben", **more)
    return [*made, *predict(project, **more)]


def test_what_nothing_needs_is_freed_and_everything_else_goes_on(copied: Path) -> None:
    first = copied.read_text(encoding="utf-8")
    predictions = lived(copied)
    assert run_command(copied, "gc", "--dry-run").out.startswith("Nothing to free"), "the defaults keep what was in use this month"
    describe(copied, 'versions="1ms", models="1ms"')
    planned = json.loads(run_command(copied, "gc", "--dry-run", "--json", *WITHOUT_GRACE).out)
    before = measured(copied)
    done = json.loads(run_command(copied, "gc", "--yes", "--json", *WITHOUT_GRACE).out)
    after = measured(copied)

    assert (planned["freed"], done["freed"]) == (False, True)
    assert done["lines"] == planned["lines"]
    gone = {path: size for path, size in before.items() if path not in after}
    assert done["size_bytes"] == sum(gone.values()) > 0
    grown = {path: size for path, size in after.items() if before.get(path) != size}
    assert all("_delta_log" in path or ".ledgers" in path for path in grown), "only logs of tables have new entries"
    assert {line["what"] for line in done["lines"]} >= {"table version", "blob", "unpacked bundle"}
    assert run_command(copied, "gc", "--yes", *WITHOUT_GRACE).out.startswith("Nothing to free")

    assert run_command(copied, "run").out.startswith("Nothing to do")
    for prediction in predictions:
        assert "approvals" in run_command(copied, "why", prediction).out
    with served(copied.parent) as url:
        question = {"shop": "s1", "amount": 150.0, "email": "b4@example.org", "placed": "2030-03-31T12:00:00Z"}
        assert httpx.post(f"{url}/predict", json=question).status_code == 200
    assert re.search(r"freed at .* UTC by the retention rule versions=1ms", run_command(copied, "show", "returned@2").out)
    assert "freed" not in run_command(copied, "show", "returned@1").out, "what a prediction names is kept"

    copied.write_text(first, encoding="utf-8")
    again = run_command(copied, "run")
    assert not again.out.startswith("Nothing to do")
    assert run_command(copied, "run").out.startswith("Nothing to do")
    run_command(copied, "audit", "verify")


def test_predictions_expire_by_rule_and_so_does_what_only_they_needed(copied: Path) -> None:
    predictions = lived(copied)
    describe(copied, 'versions="1ms", models="1ms", predictions="1ms"')
    planned = run_command(copied, "gc", "--dry-run").out
    assert re.search(r"4 +predictions +predictions=1ms; a gc frees their bytes 1d later", planned)
    run_command(copied, "gc", "--yes", *WITHOUT_GRACE)
    said = refused(copied.parent, "why", predictions[0])
    assert re.search(r"predictions that old were freed at .* UTC by the retention rule predictions=1ms", said)
    assert run_command(copied, "cost").out.count("2 predictions") == 2, "how many there were, and what they cost, is on record"
    report = run_command(copied, "show", "returned@1").out
    assert re.search(r"Its bundle was freed at .* by the retention rule models=1ms", report)
    assert "freed" not in run_command(copied, "show", "returned@3").out
    assert len(predict(copied)) == 2
    run_command(copied, "gc", "--dry-run")


def test_nobody_to_be_asked_frees_nothing_and_other_ledgers_are_respected(copied: Path) -> None:
    lived(copied)
    describe(copied, 'versions="1ms", models="1ms"')
    before = measured(copied)
    said = ask(copied.parent, "gc")
    assert said.code == 1
    assert "Would free" in said.err
    assert "--yes" in said.err
    assert measured(copied) == before | {path: size for path, size in measured(copied).items() if ".ledgers" in path}
    (copied.parent / ".headrace" / "ledger.db").rename(copied.parent / "elsewhere.db")
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (copied.parent / ".headrace" / name).unlink(missing_ok=True)
    assert "another ledger uses the lake" in refused(copied.parent, "gc", "--yes", *WITHOUT_GRACE)
    assert measured(copied).keys() >= before.keys()


_KILLED = """
import os, signal, sys
from headrace.lake.sweeping import Sweeper
from headrace.cli.main import main

calls = 0
def dying(real):
    def call(*arguments):
        global calls
        calls += 1
        if calls == int(os.environ["DIES_AT"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments)
    return call

for name in ("settle", "remove_files", "remove_blobs"):
    setattr(Sweeper, name, dying(getattr(Sweeper, name)))
sys.argv = ["headrace", "gc", "--yes", "--grace", "1us"]
main()
"""


def test_killed_at_any_moment_it_leaves_everything_that_is_needed(copied: Path) -> None:
    predictions = lived(copied)
    describe(copied, 'versions="1ms", models="1ms"')
    deaths = 0
    for moment in range(1, 9):
        command = [sys.executable, "-c", _KILLED]
        died = subprocess.run(
            command, cwd=copied.parent, env=environment("ana", DIES_AT=str(moment)), capture_output=True, text=True, timeout=120
        )
        deaths += died.returncode == -signal.SIGKILL
        assert run_command(copied, "run").out.startswith("Nothing to do")
    assert deaths >= 4
    for prediction in predictions:
        run_command(copied, "why", prediction)
    run_command(copied, "gc", "--yes", *WITHOUT_GRACE)
    assert run_command(copied, "gc", "--dry-run", *WITHOUT_GRACE).out.startswith("Nothing to free")


def test_who_writes_the_log_of_predictions_makes_few_files_of_many(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_table, "_COMPACT_EVERY", 4)  # a bound made small
    run_command(copied, "approve", "returned", "--comment", "fine", user="ben")
    made = [prediction for _ in range(6) for prediction in predict(copied)]
    log = DeltaTable(str(copied.parent / ".headrace" / "lake" / "returns" / "predictions.log"))
    assert len(log.file_uris()) == 2, "five became one; then came the sixth"
    for prediction in made:
        run_command(copied, "why", prediction)
    assert run_command(copied, "gc", "--dry-run").out.startswith("Nothing to free"), "somebody may be reading what was replaced just now"
    planned = run_command(copied, "gc", "--dry-run", *WITHOUT_GRACE).out
    assert re.search(r"5 +files of predictions", planned)
    run_command(copied, "gc", "--yes", *WITHOUT_GRACE)
    for prediction in made:
        run_command(copied, "why", prediction)


_READER = """
import sys, threading, time
from headrace.lake.lake import Lake

asked = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), asked.set()), daemon=True).start()
log, before, turns = Lake(sys.argv[1], "returns").tables, 0, 0
while not asked.is_set():
    found = log.scan("predictions/log")
    time.sleep(0.02)
    rows = found.collect().height
    assert rows >= before, (rows, before)
    before, turns = rows, turns + 1
    print(turns, rows, flush=True)
"""


def test_who_reads_the_log_of_predictions_reads_on_while_its_files_are_replaced(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "MANY_FILES", 3)  # a bound made small
    run_command(copied, "approve", "returned", "--comment", "fine", user="ben")
    predict(copied)
    home = copied.parent / ".headrace"
    command = [sys.executable, "-c", _READER, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        for _ in range(3):
            for _ in range(3):
                predict(copied)
            held = Lake(home, "returns").tables.scan(PREDICTIONS)
            assert "Compacted" in run_command(copied, "gc", "--yes").out
        said, errors = reader.communicate()
    assert reader.returncode == 0, errors
    assert int(said.split()[-2]) > 20
    assert held.collect().height == 20
    run_command(copied, "gc", "--yes", *WITHOUT_GRACE)
    with pytest.raises(FileNotFoundError):
        held.collect()


@pytest.fixture
def in_bucket(s3: S3, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """The small project after its first run, its lake in a bucket."""
    project = write_project(tmp_path / "returns")
    variables = {"HEADRACE_LAKE": f"{s3.bucket()}/team", **s3.environment}
    run_command(project, "run", **variables)
    return project, variables


def test_the_same_on_a_store_behind_a_url(in_bucket: tuple[Path, dict[str, str]]) -> None:
    project, variables = in_bucket
    predictions = lived(project, **variables)
    describe(project, 'versions="1ms", models="1ms"')
    done = json.loads(run_command(project, "gc", "--yes", "--json", *WITHOUT_GRACE, **variables).out)
    assert {line["what"] for line in done["lines"]} >= {"table version", "blob"}
    assert run_command(project, "gc", "--dry-run", *WITHOUT_GRACE, **variables).out.startswith("Nothing to free")
    assert run_command(project, "run", **variables).out.startswith("Nothing to do")
    for prediction in predictions:
        run_command(project, "why", prediction, **variables)
