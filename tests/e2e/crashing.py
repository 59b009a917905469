"""Killing runs at chosen and at random moments, and telling whether what came of it is what an undisturbed run gives."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

import headrace as hr
from headrace.app.lifecycle import build_graph
from headrace.app.looking import verify
from headrace.app.store import lake_of
from headrace.ledger import charges, evaluations, models, runs, tables

from .command import environment
from .small_project import write_project

POINTS = ("start", "middle", "before memo", "after memo")
DAYS = 90

# A run that kills itself: at the start of a step, some seconds into it, or on either side of the write that makes its output known.
CHILD = """
import os, signal, sys, threading
import headrace as hr
from headrace.app.recording import LedgerMemo

step, point, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Killer:
    def step_started(self, name):
        if name == step and point == "start":
            die()
        if name == step and point == "middle":
            threading.Timer(seconds, die).start()
    def step_progress(self, name, done, total, unit):
        pass
    def step_finished(self, end):
        pass

save = LedgerMemo.save

def deadly(self, fingerprint, name, output):
    if name == step and point in ("middle", "before memo"):
        die()
    save(self, fingerprint, name, output)
    if name == step and point == "after memo":
        die()

LedgerMemo.save = deadly
hr.load("project.py").run(Killer())
"""


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed: its project file, what came of it, and how long it and its steps took."""

    project: Path
    facts: dict[str, Any]
    seconds: float
    step_seconds: dict[str, float]


def undisturbed(folder: Path) -> Undisturbed:
    """Run the small project to its end. No clock may cut its search short."""
    project = write_project(folder / "undisturbed", days=DAYS)
    project.write_text(project.read_text(encoding="utf-8").replace('time="30s"', 'time="1h"'), encoding="utf-8")
    began = time.monotonic()
    run_to_the_end(project)
    seconds = time.monotonic() - began
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        with handle.workspace.ledger.read() as session:
            took = {step.name: step.wall_seconds for step in runs.steps_of(session, runs.list_runs(session)[0].id)}
        names = build_graph(handle.workspace, Decimal(0)).names  # the order in which a run with one worker comes to them
    finally:
        handle.close()
    return Undisturbed(project, facts(project), seconds, {name: took[name] for name in names})


def copy_of(reference: Undisturbed, folder: Path) -> Path:
    """Return the same project in another home that has the same keys and nothing else."""
    source = reference.project.parent
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".headrace", "__pycache__"))
    shutil.copytree(source / ".headrace" / "keys", folder / ".headrace" / "keys")
    return folder / "project.py"


def kill_in(project: Path, step: str, point: str, seconds: float = 0.0) -> None:
    """Run until a point of a step, and die there."""
    alone = environment(HEADRACE_WORKERS="1")  # or another step, done beside one that was killed before, would not be met again
    died = subprocess.run(
        [sys.executable, "-c", CHILD, step, point, str(seconds)], cwd=project.parent, env=alone, capture_output=True, text=True
    )
    assert died.returncode == -signal.SIGKILL, (step, point, died.stderr)


def kill_after(project: Path, seconds: float) -> bool:
    """Run and kill the run so many seconds after its start; return whether it was still running then."""
    with subprocess.Popen(
        [sys.executable, "-m", "headrace", "run"], cwd=project.parent, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            _, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True
    assert process.returncode == 0, err
    return False


def run_to_the_end(project: Path) -> str:
    """Run to the end, as a person would who tries again; return what was said."""
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "run"], cwd=project.parent, env=environment(), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def random_seconds(reference: Undisturbed, seed: int) -> float:
    """Return a moment of a run, anywhere between its start and its end."""
    return random.Random(seed).uniform(0.0, reference.seconds)


def differences(reference: Undisturbed, project: Path) -> dict[str, tuple[Any, Any]]:
    """Return what is not as the undisturbed run left it."""
    found = facts(project)
    return {name: (reference.facts[name], found[name]) for name in found if found[name] != reference.facts[name]}


def facts(project: Path) -> dict[str, Any]:
    """Return what a run leaves behind, without what tells of its moments and its attempts."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        return {**_ledger_facts(handle), **_lake_facts(handle), "audit": verify(handle.workspace).reason}
    finally:
        handle.close()


def _ledger_facts(handle: hr.ProjectHandle) -> dict[str, Any]:
    project = handle.workspace.project.name
    with handle.workspace.ledger.read() as session:
        version = models.latest(session, project, "returned")
        assert version is not None
        ended = runs.list_runs(session, project, limit=1000)
        steps = [step for run in ended for step in runs.steps_of(session, run.id)]
        charged = [(each.run_id, each.step, each.resource) for run in ended for each in charges.of_run(session, run.id)]
        measured = evaluations.of_version(session, version.id)
        return {
            "fingerprints": sorted({(step.name, step.fingerprint) for step in steps}),
            "unfinished runs": [run.id for run in ended if run.state == runs.RUNNING],
            "versions": [(each.number, each.state, each.candidate, each.fingerprint) for each in models.list_versions(session, project)],
            "bundle": (version.bundle_fingerprint, version.bundle_location),
            "bundle bytes": lake_of(handle.workspace).blobs.get(version.bundle_location or ""),
            "evaluations": sorted((each.candidate, each.split, each.rows, each.rows_fingerprint, each.metrics) for each in measured),
            "looks": [evaluations.looks(session, each.rows_fingerprint) for each in measured if each.split == "test"],
            "gates": [(each.gate, each.passed) for each in evaluations.gates_of(session, version.id)],
            "charged twice": len(charged) - len(set(charged)),
        }


def _lake_facts(handle: hr.ProjectHandle) -> dict[str, Any]:
    lake, project = lake_of(handle.workspace), handle.workspace.project
    with handle.workspace.ledger.read() as session:
        named = {table.name: tables.latest(session, project.name, table.name) for table in project.tables()}
    kept = {name: lake.tables.scan(name, version.version).collect() for name, version in named.items() if version is not None}
    features = lake.tables.scan("features/returned").collect()
    return {"tables": {name: _rows(frame) for name, frame in {**kept, "features": features}.items()}}


def _rows(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.sort("_arrival").drop("_ingested", strict=False).rows()


def examples(number: int) -> int:
    """Return how many random moments to try: HEADRACE_EXAMPLES multiplies them as it does every suite's examples."""
    return number * int(os.environ.get("HEADRACE_EXAMPLES", "1"))
