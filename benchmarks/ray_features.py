"""The same feature job by a Ray cluster, by PySpark (which wants Java) and by one process: `python -m benchmarks.ray_features [--rows N]`.

Count and mean over an hour, a day and a week before each of N events, by a key that has a hundred of them: from Parquet files to Parquet or
Arrow files. All three have this machine's cores; session, cluster and workers are there before the clock starts, and each has done the job
once: a virtual machine gets quicker by doing. They take turns, so that what else the machine does meets all of them, and a ratio is the
median of those within a turn. What a turn left is removed before the next, for our lake keeps the same bytes once. Ours answers the six
lookups together, as a run does, and keeps their values in the order of the rows; Spark has one plan, and keeps them with the rows' numbers.
What they give is compared in total, after the clock has stopped.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.environments import PEERS, ROOT, PeerMissing, peer, peer_versions
from benchmarks.racing import Turn, ratio
from benchmarks.report import Line, machine, table, versions
from benchmarks.turns import Waiting
from headrace.engine.executor import Executor
from headrace.expressions import DType, col
from headrace.features.bucketed import lookup_frames
from headrace.features.frames import Bounds
from headrace.features.grouped import alike
from headrace.features.plan import FeaturePlan
from headrace.features.scattered import VALUE, Scattered, scattered_lookups
from headrace.features.shared import Rows, Shared
from headrace.lake.frames import bytes_frame, frame_bytes
from headrace.lake.reference import LakeReference
from headrace.spec.features import Features, window
from headrace.spec.sources import File
from headrace.spec.tables import Events

ROWS, TURNS = 3_000_000, 3  # fewer rows are not parted among tasks
OURS, HOWS = "Ray", ("ray", "local")
_START, _YEAR_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1e6), 365 * 86_400_000
_TYPES = {"key": DType.INT, "amount": DType.FLOAT, "time": DType.DATETIME}
_EVENTS = Events("events", source=File("events.csv"), time="time")


def write_tables(folder: Path, rows: int) -> None:
    """Write the events as a Parquet file and as a table of two lakes, one for each who is Headrace: they would find each other's values."""
    rng = np.random.default_rng(7)
    events = pl.DataFrame(
        {
            "key": rng.integers(0, rows // 100, rows),
            "amount": rng.normal(50, 10, rows),
            "time": pl.Series(rng.integers(0, _YEAR_MS, rows) * 1000 + _START).cast(pl.Datetime("us", "UTC")),
            "_arrival": np.arange(rows),
        }
    )
    events.write_parquet(folder / "events.parquet", row_group_size=1 << 18)
    for how in HOWS:
        LakeReference(str(folder / how), "bench").lake().tables.write("events", events)


def plan() -> FeaturePlan:
    """Return the six windows."""
    values = {}
    for over in ("1h", "1d", "7d"):
        values[f"count_{over}"] = window(_EVENTS, col("amount").count(), by="key", over=over)
        values[f"mean_{over}"] = window(_EVENTS, col("amount").mean(), by="key", over=over)
    return FeaturePlan.build(Features(spine=_EVENTS, given=["key", "time"], as_of=col("time"), values=values), _TYPES, {"events": _TYPES})


def here(reference: LakeReference) -> list[list[str]]:
    """Compute it in this process, as a run does; return the names of the blobs of each lookup."""
    lake, planned = reference.lake(), plan()
    kept: dict[str, list[str]] = {lookup.slot: [] for lookup in planned.lookups}
    for lookups in alike(planned.lookups):
        table = lake.tables.scan("events")
        for frame in lookup_frames(planned, lookups, table, table, Bounds(Path(reference.home))):
            for values in frame:
                kept[values.name].append(lake.blobs.put(frame_bytes(values.alias(VALUE).to_frame())))
    return list(kept.values())


def by(executor: Executor, reference: LakeReference) -> list[list[str]]:
    """Compute it by tasks; return the names of the blobs of each lookup."""
    planned, table = plan(), Rows("events", 0)
    kept: dict[str, list[str]] = {lookup.slot: [] for lookup in planned.lookups}
    for lookups in alike(planned.lookups):
        slots = tuple(lookup.slot for lookup in lookups)
        what = Scattered(plan=planned, slots=slots, spine=table, table=table, shared=Shared(reference, "bench"))
        for frame in scattered_lookups(executor, what, _unheard):
            for slot, each in frame.items():
                kept[slot].append(each.name)
        reference.scratch("bench").remove()
    return list(kept.values())


def take_turns(how: str, folder: Path) -> None:
    """Do the job once for each line that comes, and tell how long it took; in a process of its own. The last word is the totals."""
    reference, kept = LakeReference(str(folder / how), "bench"), []
    if how == "ray":
        from headrace.engine.cluster import Cluster

        cluster = Cluster(os.environ["HEADRACE_ENGINE"])
        list(cluster.each(_awake, range(2 * cluster.slots)))
    for _ in sys.stdin:
        shutil.rmtree(folder / how / "blobs", ignore_errors=True)
        started = time.perf_counter()
        kept = by(cluster, reference) if how == "ray" else here(reference)
        print(time.perf_counter() - started, flush=True)
    blobs = reference.lake().blobs
    totals = [sum(float(bytes_frame(blobs.get(name))[VALUE].sum() or 0) for name in names) for names in kept]
    print(json.dumps(totals), flush=True)
    os._exit(0)


def lines(folder: Path) -> list[Line]:
    """The job, for the table of all benchmarks."""
    return measure(folder, ROWS)


def measure(folder: Path, rows: int) -> list[Line]:
    """Return the measurements as lines of a table."""
    write_tables(folder, rows)
    us = [sys.executable, "-m", "benchmarks.ray_features", "--folder", str(folder), "--turns"]
    cluster = [sys.executable, str(ROOT / "scripts" / "services" / "ray.py"), "--workers", str(max(1, (os.cpu_count() or 1) - 1)), "--"]
    commands = {OURS: [*cluster, *us, "ray"], "one process": [*us, "local"]}
    try:
        commands["PySpark"] = [_spark(), str(PEERS / "features_spark.py"), str(folder)]
    except PeerMissing as missing:
        print(missing, file=sys.stderr)
    racers = {name: Waiting(name, command) for name, command in commands.items()}
    try:
        for each in racers.values():
            each.turn()
        run = {name: [] for name in racers}
        for _ in range(TURNS):
            for name, each in racers.items():
                run[name].append(each.turn())
        totals = {name: json.loads(each.last()) for name, each in racers.items()}
    finally:
        for each in racers.values():
            each.end()
    return _told(f"{rows:,} rows", run, totals)


def _told(what: str, run: dict[str, list[Turn]], totals: dict[str, list[float]]) -> list[Line]:
    lines = []
    for name, taken in run.items():
        seconds, cpu = (statistics.median(getattr(each, kind) for each in taken) for kind in ("seconds", "cpu_seconds"))
        lines.append(Line("ray_features", f"{what}, {name}", f"{seconds:.1f} s, {cpu:.1f} s of CPU"))
        if name != OURS:
            times, of_cpu = ratio(run[OURS], taken), ratio(run[OURS], taken, "cpu_seconds")
            equal = bool(np.allclose(totals[name], totals[OURS], rtol=1e-9))
            lines.append(Line("ray_features", f"{what}, {name} over {OURS}", f"{times:.2f} x; of CPU {of_cpu:.2f} x"))
            lines.append(Line("ray_features", f"{what}, totals of {name}", "equal" if equal else "differ", "equal", equal))
    return lines


def _spark() -> str:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise PeerMissing("PySpark wants Java, which is not here: apt-get install openjdk-17-jre-headless, or set JAVA_HOME")
    return peer("spark").python


def _awake(number: int) -> int:
    """Have a worker import what the job needs."""
    return len(plan().lookups) + number


def _unheard(*_: int) -> None:
    """Tell nobody."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ray_features", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--turns", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.turns:
        take_turns(given.turns, given.folder)
    with tempfile.TemporaryDirectory(prefix="headrace-") as name:
        measured = measure(Path(name), given.rows)
    print(versions("headrace", "polars", "ray"), peer_versions(), machine(), table(measured), sep="\n")


if __name__ == "__main__":
    main()
