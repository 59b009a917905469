"""Runs that are killed, interrupted or started twice."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

import headrace as hr
from headrace.app.bundles import open_bundle
from headrace.ledger import models, runs
from headrace.models.artifact import Artifact

from . import crashing
from .command import ask, run_command, started
from .small_project import newest_bundle, write_project


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return write_project(tmp_path / "returns")


def stop_when(process: "subprocess.Popen[str]", line: str, number: signal.Signals) -> set[str]:
    """Send a signal when a line is seen; return the steps that were done by then, and all that were told until the end."""
    assert process.stderr is not None
    done = set()
    for told in process.stderr:
        done |= {told.split()[1]} if told.startswith("done") else set()
        if told.startswith(line):
            time.sleep(0.2)  # a key is not pressed in the very moment in which a thread is made
            process.send_signal(number)
            break
    done |= {told.split()[1] for told in process.stderr if told.startswith("done")}
    process.wait(30)
    return done


def only_run(project: Path) -> tuple[str, str]:
    """Return the id and the state of the one run there is."""
    lines = run_command(project, "runs").out.splitlines()
    assert len(lines) == 1, lines
    run_id, state, *_ = lines[0].split()
    return run_id, state


def told_as_interrupted(project: Path) -> str:
    """Return the id of the one run there is: it is on record as running, and everybody who asks is told that nobody runs it."""
    (line,) = json.loads(run_command(project, "runs", "--json").out)
    assert (line["state"], line["told"]) == ("running", "interrupted")
    assert only_run(project) == (line["run_id"], "interrupted")
    what_now = "nobody works at it; headrace run goes on from what it had done"
    assert all(what_now in run_command(project, *asked).out for asked in (["runs"], ["status"], ["show", line["run_id"]]))
    return str(line["run_id"])


def model_of(project: Path) -> Artifact:
    """Return the newest version's model out of its bundle."""
    with newest_bundle(project, models.latest) as (workspace, blob):
        return open_bundle(workspace, blob).artifact


def test_a_killed_run_goes_on_under_its_own_id_and_ends_with_the_same_model(fresh: Path, trained: Path) -> None:
    with started(fresh.parent, "run") as process:
        done = stop_when(process, "done     derive:orders", signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    run_id = told_as_interrupted(fresh)
    said = ask(fresh.parent, "run")
    assert said.code == 0, said.err
    assert said.out.startswith(run_id)
    assert only_run(fresh) == (run_id, "finished")
    again = {line.split()[1] for line in said.err.splitlines() if line.startswith("done")}
    assert {"ingest:orders_raw", "ingest:shops", "derive:orders"} <= done
    assert not done & again
    assert model_of(fresh) == model_of(trained)


def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(fresh: Path) -> None:
    with started(fresh.parent, "run") as process:
        done = stop_when(process, "done     train:returned.logistic", signal.SIGINT)
    assert process.returncode == 130
    run_id = told_as_interrupted(fresh)
    said = ask(fresh.parent, "run")
    assert said.code == 0, said.err
    again = {line.split()[1] for line in said.err.splitlines() if line.startswith("done")}
    assert not done & again
    assert said.out.startswith(run_id)
    assert only_run(fresh) == (run_id, "finished")
    assert run_command(fresh, "run").out.startswith("Nothing to do")


def test_a_run_that_was_killed_after_its_last_step_is_ended_by_the_next(copied: Path) -> None:
    opened = hr.load(copied, environment={"HEADRACE_USER": "ana"})
    with opened.workspace.ledger.write("ana", "run.start") as session:
        left = runs.start(session, runs.NewRun(project="returns", code="any")).id
    opened.close()
    assert "Nothing to do" in run_command(copied, "run").out
    assert f"{left}  interrupted" in run_command(copied, "runs").out


def test_two_runs_at_once_are_refused(fresh: Path) -> None:
    with started(fresh.parent, "run") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("done")
        assert only_run(fresh)[1] == "running"
        second = ask(fresh.parent, "run")
        assert second.code == 1
        assert "another process is running the project 'returns'" in second.err
        process.communicate()
    assert process.returncode == 0


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> crashing.Undisturbed:
    return crashing.undisturbed(tmp_path_factory.mktemp("crashes"))


def test_runs_killed_inside_every_step_come_out_as_if_nothing_had_happened(undisturbed: crashing.Undisturbed, tmp_path: Path) -> None:
    """One home, killed once in each step: at its start, in its middle, or on either side of the write that makes its output known."""
    project = crashing.copy_of(undisturbed, tmp_path / "killed")
    for number, (step, seconds) in enumerate(undisturbed.step_seconds.items()):
        crashing.kill_in(project, step, crashing.POINTS[number % len(crashing.POINTS)], seconds / 2)
    crashing.run_to_the_end(project)
    assert crashing.differences(undisturbed, project) == {}
    assert crashing.run_to_the_end(project).startswith("Nothing to do")


def test_runs_killed_at_random_moments_come_out_as_if_nothing_had_happened(undisturbed: crashing.Undisturbed, tmp_path: Path) -> None:
    """HEADRACE_EXAMPLES multiplies the moments; `python -m benchmarks.crashes` kills a home of its own at each of a hundred."""
    for home in range(crashing.examples(1)):
        project = crashing.copy_of(undisturbed, tmp_path / f"killed{home}")
        for number in range(8):
            crashing.kill_after(project, crashing.random_seconds(undisturbed, 8 * home + number))
        crashing.run_to_the_end(project)
        assert crashing.differences(undisturbed, project) == {}
