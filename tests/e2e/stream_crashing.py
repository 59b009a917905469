"""Killing the worker of streams, and telling whether what it leaves is what an undisturbed one leaves."""

import json
import random
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl

import headrace as hr
from headrace.app.store import lake_of
from headrace.app.streaming.opening import open_state
from headrace.app.workspace import Workspace
from headrace.features.stores.contract import StateStore
from headrace.features.stream.positions import position_prefix
from headrace.features.stream.reading import answer
from headrace.ledger import tables as ledger_tables

from .command import environment
from .small_stream import PROJECT, orders_csv, planned

# A worker begins so: it kills itself when it has passed so many of the points at which something becomes known to others, on either side of
# them; at its end it prints how many it has passed.
DYING = """
import os, signal, sys

left = int(sys.argv[1])

def passing(kind, name):
    plain = getattr(kind, name)
    def passed(*args, **options):
        point()
        result = plain(*args, **options)
        point()
        return result
    setattr(kind, name, passed)

def point():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
"""
# This one plays the orders in disorder, in small batches, and brings them into the lake often.
CHILD = (
    DYING
    + """
from pathlib import Path
import polars as pl
import headrace as hr
from headrace.app.streaming import following, lake_rows
from headrace.app.streaming.worker import StreamOptions, Watching, stream
from headrace.features.stores.embedded import EmbeddedStore
from headrace.ingest.stream import replay
from headrace.lake.parts import Parts
from headrace.lake.tables import Tables

passing(EmbeddedStore, "commit")
passing(EmbeddedStore, "clear")
passing(Tables, "_commit")
passing(Parts, "_put")
passing(following, "record_version")
play = replay.rows_to_play

def played(*args):
    found = play(*args)
    order = pl.int_range(found.frame.height, eager=True)
    moved = (order + (order.hash(7) % 60).cast(pl.Int64) * (order.hash(8) % 9 == 0).cast(pl.Int64)).arg_sort()
    return found._replace(frame=found.frame[moved], moments=found.moments[moved.to_numpy()])

replay.rows_to_play = played
replay.ReplayFollower.__init__.__kwdefaults__["batch_rows"] = following._BATCH_ROWS = 90
lake_rows._ROWS = 200
handle = hr.load("project.py")
stream(handle.workspace, StreamOptions(flush_bytes=30_000), Watching())
handle.close()
print(-left)
"""
)
_SHOPS = (
    '        "size": hr.latest(shops, "size", by="shop"),\n',
    'shops = hr.Entity("shops", source=hr.Replay(hr.File("shops.csv")), key="shop")\n',
)


def write_project(folder: Path, like: Path | None = None, days: int = 30) -> Path:
    """Write a project that looks into nothing but one stream; return its file. One `like` another has the same keys."""
    text = PROJECT
    for each in _SHOPS:
        text = text.replace(each, "")
    folder.mkdir(parents=True)
    (folder / "orders.csv").write_text(orders_csv(days), encoding="utf-8")
    path = folder / "project.py"
    path.write_text(text, encoding="utf-8")
    if like is not None:
        shutil.copytree(like.parent / ".headrace" / "keys", folder / ".headrace" / "keys")
    return path


def run_worker(project: Path, points: int = 0) -> int | None:
    """Run the worker, which kills itself at a point; return how many points it passed, or None if it was killed."""
    return run_dying(CHILD, project, points)


def run_dying(code: str, project: Path, points: int, *arguments: object) -> int | None:
    """Run a worker that begins with `DYING`; return how many points it passed, or None if it was killed."""
    command = [sys.executable, "-c", code, str(points), *map(str, arguments)]
    done = subprocess.run(command, cwd=project.parent, env=environment(), capture_output=True, text=True, timeout=300)
    if points and done.returncode == -signal.SIGKILL:
        return None
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def run_workers(project: Path, number: int) -> None:
    """Run several workers at once that all take the one partition for theirs, as those do that were thought to be dead."""
    with ThreadPoolExecutor(number) as pool:
        for each in [pool.submit(run_worker, project) for _ in range(number)]:
            each.result()


def kill_often(project: Path, kills: int, seed: int) -> int:
    """Kill the worker so many times in a row, each after a few more points; return how many were killed before they had done."""
    rng = random.Random(seed)
    return sum(run_worker(project, rng.randrange(1, 12)) is None for _ in range(kills))


def facts(project: Path) -> dict[str, Any]:
    """Return what there is of a stream: rows of each table, positions, features from the state, and what is on record."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    workspace = handle.workspace
    try:
        store = open_state(workspace)
        try:
            return {**_tables(workspace), **_state(workspace, store)}
        finally:
            store.close()
    finally:
        handle.close()


def _tables(workspace: Workspace) -> dict[str, Any]:
    tables = lake_of(workspace).tables
    found: dict[str, Any] = {}
    for name in ("orders", "orders/late", "orders/quarantine"):
        rows = tables.scan(name).sort("_arrival").collect().drop("_ingested") if tables.version(name) is not None else pl.DataFrame()
        found[name] = rows.rows()
    with workspace.ledger.read() as session:
        last = ledger_tables.latest(session, workspace.project.name, "orders")
    assert last is not None
    found["recorded"] = (last.rows_in, last.accepted, last.quarantined, last.duplicates, last.profile["stream"]["late"], last.types)
    return found


_BY_THE_CLOCK = {"horizon_us": None, "committed_us": None}
"""What of a position depends on when it was."""
_UNKNOWN_TO_THE_LAKE = dict.fromkeys(("duplicates", "origin", "newest_arrival"))
"""What of a position cannot be told from the lake's rows."""


def _state(workspace: Workspace, store: StateStore) -> dict[str, Any]:
    marks = store.marks(position_prefix("orders"))
    spine = lake_of(workspace).tables.scan("orders").sort("_arrival").collect()
    asked = pl.concat([spine, spine.with_columns(pl.col("placed") + timedelta(hours=7))])
    return {
        "positions": {name: {**json.loads(value), **_BY_THE_CLOCK} for name, value in marks.items()},
        "features": answer(planned(workspace), store, asked).rows(),
        "outbox": [fields for records in (store.walk("out/orders").records,) for _, fields in records if fields],
        "spaces": sorted(store.marks("filled/")),
    }


def is_on_record(project: Path) -> bool:
    """Tell whether the ledger has the orders as the lake has them: what it lacks of their position goes with the state."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        with handle.workspace.ledger.read() as session:
            last = ledger_tables.latest(session, handle.workspace.project.name, "orders")
        return (None if last is None else last.version) == lake_of(handle.workspace).tables.version("orders")
    finally:
        handle.close()


def without_duplicates(found: dict[str, Any]) -> dict[str, Any]:
    """Return facts without what of a position only the ledger knows once the state is lost."""
    rows_in, accepted, quarantined, duplicates, *others = found["recorded"]
    positions = {name: {**position, **_UNKNOWN_TO_THE_LAKE} for name, position in found["positions"].items()}
    return {**found, "recorded": (rows_in - duplicates, accepted, quarantined, *others), "positions": positions}


def differences(expected: dict[str, Any], found: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return what differs."""
    return {name: (expected[name], found.get(name)) for name in expected if expected[name] != found.get(name)}
