"""A small stream whose rows are questions, its worker killed now and then, and what its answers must be."""

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

import headrace as hr
from headrace.app.bundles import open_bundle
from headrace.app.champions import champion
from headrace.app.store import lake_of
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan

from . import stream_crashing
from .small_stream import write_project

PLAYED = 'models=[returned], streams=[hr.Scoring(returned, to=[hr.ToTable("returns")], wait="{wait}")]'
# The worker of `stream_crashing`, which ends after so many turns; rows come in disorder or not.
CHILD = (
    stream_crashing.CHILD.replace("import following, lake_rows", "import following, lake_rows\nfrom headrace.app.scoring import delivering")
    .replace('passing(following, "record_version")', 'passing(following, "record_version")\npassing(delivering, "record_use")')
    .replace("replay.rows_to_play = played", "if sys.argv[2] == 'complete': replay.rows_to_play = played")
    .replace("_BATCH_ROWS = 90", "_BATCH_ROWS = 30")
    .replace("flush_bytes=30_000", "flush_bytes=8_000")
    .replace("Watching()", "Watching(stop=stop)")
    .replace(
        "handle = hr.load",
        """
from threading import Event
from headrace.app.streaming.worker import _Worker

stop, turns, turn = Event(), int(sys.argv[3]), _Worker._turn

def turned(worker):
    global turns
    turn(worker)
    turns -= 1
    if turns == 0:
        stop.set()

_Worker._turn = turned
handle = hr.load""",
    )
)


class Answers(NamedTuple):
    """What there is of predictions: rows of the table, of the log, and how many are charged for; and what they must be."""

    told: pl.DataFrame
    log: pl.DataFrame
    unanswered: pl.DataFrame
    charged: int
    rows: list[int]
    scores: np.ndarray


def write_scored(folder: Path, wait: str) -> tuple[Path, int]:
    """Write the project, follow its stream halfway and train; return its file and the number of the last row that was not asked."""
    project = write_project(folder, days=60)
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace("models=[returned]", PLAYED.format(wait=wait)), encoding="utf-8")
    assert run_worker(project, wait, turns=28) is not None
    handle = hr.load(project)
    try:
        handle.run()
        return project, lake_of(handle.workspace).tables.scan("orders").select(pl.col("_arrival").max()).collect().item()
    finally:
        handle.close()


def run_worker(project: Path, wait: str, points: int = 0, turns: int = -1) -> int | None:
    """Run the worker, which kills itself at a point; return how many points it passed, or None if it was killed."""
    return stream_crashing.run_dying(CHILD, project, points, wait, turns)


def kill_often(project: Path, wait: str, kills: int, seed: int) -> int:
    """Kill the worker so many times in a row, each after some more points; return how many were killed before they had done."""
    rng = random.Random(seed)
    return sum(run_worker(project, wait, rng.randrange(2, 16)) is None for _ in range(kills))


def answers(project: Path, last: int) -> Answers:
    """Return the predictions of the rows after the last one that was not asked."""
    handle = hr.load(project)
    try:
        workspace = handle.workspace
        tables = lake_of(workspace).tables
        version = champion(workspace, "returned")
        assert version.bundle_location is not None
        bundle = open_bundle(workspace, version.bundle_location)
        plan = FeaturePlan.from_json(bundle.plan)
        asked = tables.scan("orders").filter(pl.col("_arrival") > last).sort("_arrival").collect()
        features = compute(plan, asked.lazy(), {name: tables.scan(name) for name in plan.tables})
        return Answers(
            told=tables.scan("predictions/returns").sort("_arrival").collect(),
            log=tables.scan("predictions/log").sort("id").collect(),
            unanswered=pl.DataFrame()
            if tables.version("predictions/unanswered") is None
            else tables.scan("predictions/unanswered").collect(),
            charged=sum(each.predictions for each in handle.cost().served),
            rows=asked["_arrival"].to_list(),
            scores=bundle.predictor.scores(bundle.encoder.encode_frame(features)),
        )
    finally:
        handle.close()
