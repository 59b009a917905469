"""Steps whose work a Ray cluster does: a head and a worker, each a node of its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from services.ray import Ray

import headrace as hr
from headrace.ledger import models, runs

from .command import ask, environment

CHECKS = Path(__file__).with_name("ray_checks.py")
ROOT = Path(__file__).parents[2]
SECRET = "hush-hush-hush"  # of ray_checks


@pytest.fixture(scope="module")
def cluster() -> Iterator[Ray]:
    server = Ray(workers=1)
    yield server
    server.remove()


def inside(cluster: Ray, *command: str, folder: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    variables = environment(**cluster.environment, **more)
    return subprocess.run(cluster.inside(command), cwd=folder, env=variables, capture_output=True, text=True, timeout=150)


@pytest.fixture(scope="module")
def found(cluster: Ray, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("ray")
    python = [sys.executable, *(traced() if pytestconfig.pluginmanager.hasplugin("_cov") else [])]
    done = inside(cluster, *python, str(CHECKS), cluster.address, str(folder), folder=folder)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1, done.stdout  # Ray says nothing where results go
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def traced() -> list[str]:
    """Return what makes Python tell which lines it passed to the run of all tests: a cluster is in reach of no test's own process."""
    return ["-m", "coverage", "run", "--parallel-mode", f"--rcfile={ROOT / 'pyproject.toml'}", f"--data-file={ROOT / '.coverage'}"]


def test_parts_come_back_in_their_order_and_say_what_they_used(found):
    assert found["squares"] == [number * number for number in range(40)]
    assert found["cpu"]
    assert found["slots"] == 2


def test_features_are_equal_to_the_last_bit(found):
    assert found["features"] == {"lookups": {"lookup_0": True, "lookup_1": True, "lookup_2": True}, "assembled": True, "frames": 5}


def test_an_error_is_the_one_that_was_raised_and_nothing_of_rays(found):
    assert found["raised"] == {
        "user": ["UserError", "a part is wrong.\n  Mend it.", "True"],
        "value": ["ValueError", "no such thing", "True"],
        "odd": ["Odd", "very odd", "True"],
        "exit": ["SystemExit", "enough", "False"],
        "panic": ["PanicException", "a defect", "False"],
    }
    assert found["tried"] == 1


def test_a_worker_that_is_killed_is_replaced(found):
    assert found["killed"] == [7]


def test_a_task_that_nobody_waits_for_is_ended(found):
    assert found["stopped"]


def test_no_secret_is_in_an_error_or_in_a_log(found, cluster):
    assert found["secret"] == "the store refused ***"
    said = [path.read_bytes() for path in cluster.logs.rglob("*") if path.is_file()]
    assert len(said) > 5
    assert not any(word.encode() in text for text in said for word in (SECRET, cluster.token))


QUESTIONS = """shop,amount,email,placed
s1,130.0,b4@example.org,2024-03-20T10:00:00Z
s2,20.0,b7@example.org,2024-03-21T11:00:00Z
s9,,b400@example.org,2024-03-22T12:00:00Z
"""


def made(folder: Path) -> tuple[Any, ...]:
    """Return what a run made that does not depend on when or how fast it was: blobs of lookups, features, and what was measured."""
    opened = hr.load(folder / "project.py", environment={"HEADRACE_USER": "ana"})
    try:
        with opened.workspace.ledger.read() as session:
            newest = models.latest(session, "returns", "returned")
            assert newest is not None
            steps = {step.name: step for step in runs.steps_of(session, newest.run_id)}
        lookups = [steps[name].output["blobs"] for name in sorted(steps) if name.startswith("lookup:")]
        evidence = steps["evaluate:returned"].output["evidence"]
        table = pl.scan_delta(str(folder / ".headrace" / "lake" / "returns" / "features.returned")).collect().to_dicts()
        chosen = [(each["name"], each["measured"], each["trials"]) for each in newest.details["candidates"]]
        return lookups, table, evidence, chosen, {name: step.fingerprint for name, step in steps.items()}
    finally:
        opened.close()


def test_a_run_on_a_cluster_makes_what_a_run_here_makes(cluster, trained, tmp_path):
    folder = tmp_path / "ray"
    shutil.copytree(trained.parent, folder, ignore=shutil.ignore_patterns(".headrace"))
    shutil.copytree(trained.parent / ".headrace" / "keys", folder / ".headrace" / "keys")  # of people, the same pseudonyms
    ran = inside(cluster, sys.executable, "-m", "headrace", "run", "--json", folder=folder, HEADRACE_ENGINE=cluster.address)
    assert ran.returncode == 0, ran.stderr
    assert len(json.loads(ran.stdout)["steps"]) == 13
    assert made(folder) == made(trained.parent)
    assert "all 13 steps are unchanged" in ask(folder, "run").out
    assert not [each for each in (folder / ".headrace" / "spread").rglob("*") if each.is_file()]


def test_a_file_is_predicted_alike(cluster, copied):
    folder = copied.parent
    (folder / "ask.csv").write_text(QUESTIONS, encoding="utf-8")
    assert ask(folder, "approve", "returned", "--comment", "good", user="ben").code == 0
    assert ask(folder, "predict", "returned", "ask.csv", "here.csv").code == 0
    command = (sys.executable, "-m", "headrace", "predict", "returned", "ask.csv", "there.csv")
    there = inside(cluster, *command, folder=folder, HEADRACE_ENGINE=cluster.address)
    assert there.returncode == 0, there.stderr
    here, there = (pl.read_csv(folder / name).drop("prediction_id") for name in ("here.csv", "there.csv"))
    assert here.equals(there)
    assert not [each for each in (folder / ".headrace" / "spread").rglob("*") if each.is_file()]
