"""Killing the worker of streams while a model learns in it, and telling whether what it leaves is what an undisturbed one leaves."""

import random
import shutil
from pathlib import Path
from typing import Any

import headrace as hr
from headrace.app.bundles import open_bundle
from headrace.app.learning.facts import snapshot_of
from headrace.app.learning.progress import learning_mark, read_progress
from headrace.app.streaming.opening import open_state
from headrace.ledger import models, runs

from . import stream_crashing
from .small_project import orders_csv

PROJECT = '''"""Will an order be returned?"""

import headrace as hr
from headrace import col

orders = hr.Events(
    "orders", source=hr.Replay(hr.File("orders.csv"), lateness="2h"), id="order_id", time="placed", known={"returned": "settled"}
)
features = hr.Features(
    spine=orders,
    as_of=col("placed"),
    given=["shop", "amount", "email", "placed"],
    values={"shop": col("shop"), "orders_7d": hr.window(orders, hr.count(), by="email", over="7d"), "amount": col("amount")},
)
returned = hr.Model(
    "returned",
    features=features,
    target=col("returned"),
    split=hr.split.by_time(validation="10d", test="10d"),
    candidates=[hr.OnlineLogistic(learning_rate=0.1)],
    metric="roc_auc",
    gates=[hr.gate.beats("baseline")],
)
project = hr.Project("returns", models=[returned], streams=[hr.Learning(returned, every="4d")], seed=7)
'''
# A worker that learns in small steps. `turns`: it ends in order after so many turns of its loop; 0: with all rows.
CHILD = (
    stream_crashing.DYING
    + """
from threading import Event
import headrace as hr
from headrace.app.learning import classroom, desk, learner
from headrace.app.streaming import following
from headrace.app.streaming.worker import StreamOptions, Watching, _Worker, stream
from headrace.features.stores.embedded import EmbeddedStore
from headrace.ingest.stream import replay
from headrace.lake.parts import Parts
from headrace.lake.tables import Tables
from headrace.ledger.sqlite import File

turns, stop, plain_turn = int(sys.argv[2]), Event(), _Worker._turn

def turn(worker):
    global turns
    plain_turn(worker)
    turns -= 1
    if turns == 0:
        stop.set()

for kind, name in ((EmbeddedStore, "commit"), (Tables, "_commit"), (Parts, "_put"), (File, "begin")):
    passing(kind, name)
_Worker._turn = turn
learner._TURN_SECONDS, classroom._SAVE_SECONDS, desk._MOST_EVENTS = 0.0, 0.0, 60
replay.ReplayFollower.__init__.__kwdefaults__["batch_rows"] = following._BATCH_ROWS = 60
handle = hr.load("project.py")
stream(handle.workspace, StreamOptions(flush_bytes=10_000), Watching(stop=stop))
handle.close()
print(-left)
"""
)
TURNS_BEFORE_TRAINING = 12


def write_trained(folder: Path) -> Path:
    """Write the project, follow its stream for some turns and train; return its file."""
    folder.mkdir(parents=True)
    (folder / "orders.csv").write_text(orders_csv(45), encoding="utf-8")
    project = folder / "project.py"
    project.write_text(PROJECT, encoding="utf-8")
    assert run_worker(project, turns=TURNS_BEFORE_TRAINING) is not None
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        handle.run()
    finally:
        handle.close()
    return project


def copy_of(trained: Path, folder: Path) -> Path:
    """Return the same project with the same home in another folder."""
    shutil.copytree(trained.parent, folder)
    return folder / trained.name


def run_worker(project: Path, points: int = 0, turns: int = 0) -> int | None:
    """Run the worker, which kills itself at a point; return how many points it passed, or None if it was killed."""
    return stream_crashing.run_dying(CHILD, project, points, turns)


def kill_often(project: Path, kills: int, points: int, seed: int) -> int:
    """Kill the worker so many times in a row, each up to so many points later; return how many were killed before they had done."""
    rng = random.Random(seed)
    return sum(run_worker(project, rng.randrange(1, points)) is None for _ in range(kills))


def facts(project: Path) -> dict[str, Any]:
    """Return what was learnt: each version with what it is, and how far the learner is."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    workspace = handle.workspace
    try:
        with workspace.ledger.read() as session:
            versions = models.list_versions(session, "returns", "returned")
            left = runs.list_runs(session, "returns", state=runs.RUNNING)
        found: dict[str, Any] = {"runs that did not end": len(left)}
        for each in versions:
            if (snapshot := snapshot_of(each.details)) is not None:
                assert each.bundle_location is not None
                files = open_bundle(workspace, each.bundle_location).artifact.files
                found[f"version {each.number}"] = (each.state, snapshot, dict(files))
        store = open_state(workspace)
        try:
            _, (mark,) = store.read([], [learning_mark("returned")])
            assert mark is not None
            progress = read_progress(mark)
            found["progress"] = (progress.clock_us, progress.snapshots)
        finally:
            store.close()
    finally:
        handle.close()
    return found
