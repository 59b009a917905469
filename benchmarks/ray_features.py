"""The same feature job by a Ray cluster, by PySpark (which wants Java) and by one process: `python -m benchmarks.ray_features [--rows N]`.

Count and mean over an hour, a day and a week before each of N events, by a key that has a hundred of them: from Parquet files to Parquet or
Arrow files. All three have this machine's cores; session, cluster and workers are there before the clock starts. Ours is asked six lookups,
each parted and put back by itself, as a run has it; Spark has one plan. What they give is compared in total.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.environments import PEERS, ROOT, PeerMissing, peer, peer_versions
from benchmarks.report import Line, machine, table, versions
from headrace.engine.executor import Executor
from headrace.expressions import DType, col
from headrace.features.bucketed import lookup_frames
from headrace.features.frames import Bounds
from headrace.features.plan import FeaturePlan
from headrace.features.scattered import VALUE, Scattered, scattered_lookup
from headrace.features.shared import Rows, Shared
from headrace.lake.frames import bytes_frame, frame_bytes
from headrace.lake.reference import LakeReference
from headrace.spec.features import Features, window
from headrace.spec.sources import File
from headrace.spec.tables import Events

ROWS, TURNS = 3_000_000, 3  # fewer rows are not parted among tasks
_START, _YEAR_MS = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1e6), 365 * 86_400_000
_TYPES = {"key": DType.INT, "amount": DType.FLOAT, "time": DType.DATETIME}
_EVENTS = Events("events", source=File("events.csv"), time="time")


def write_tables(folder: Path, rows: int) -> None:
    """Write the events as a Parquet file and as a table of a lake."""
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
    LakeReference(str(folder), "bench").lake().tables.write("events", events)


def plan() -> FeaturePlan:
    """Return the six windows."""
    values = {}
    for over in ("1h", "1d", "7d"):
        values[f"count_{over}"] = window(_EVENTS, col("amount").count(), by="key", over=over)
        values[f"mean_{over}"] = window(_EVENTS, col("amount").mean(), by="key", over=over)
    return FeaturePlan.build(Features(spine=_EVENTS, given=["key", "time"], as_of=col("time"), values=values), _TYPES, {"events": _TYPES})


def here(folder: Path) -> list[float]:
    """Compute it in this process, as a run does; return the totals."""
    lake, totals = LakeReference(str(folder), "bench").lake(), []
    for lookup in plan().lookups:
        total, table = 0.0, lake.tables.scan("events")
        for values in lookup_frames(plan(), lookup.slot, table, table, Bounds(folder)):
            lake.blobs.put(frame_bytes(values.alias(VALUE).to_frame()))
            total += float(values.sum() or 0)
        totals.append(total)
    return totals


def by(executor: Executor, folder: Path) -> list[float]:
    """Compute it by tasks; return the totals."""
    lake, planned, totals = LakeReference(str(folder), "bench"), plan(), []
    for lookup in planned.lookups:
        table, shared = Rows("events", 0), Shared(lake, "bench")
        what = Scattered(plan=planned, slot=lookup.slot, spine=table, table=table, shared=shared)
        kept = list(scattered_lookup(executor, what, _unheard))
        totals.append(sum(float(bytes_frame(lake.lake().blobs.get(each.name))[VALUE].sum() or 0) for each in kept))
        lake.scratch("bench").remove()
    return totals


def turns(how: str, folder: Path) -> None:
    """Do the job a few times and print how long it took; in a process of its own."""
    if how == "ray":
        from headrace.engine.cluster import Cluster

        cluster = Cluster(os.environ["HEADRACE_ENGINE"])
        list(cluster.each(_awake, range(2 * cluster.slots)))
    seconds, totals = [], []
    for _ in range(TURNS):
        started = time.perf_counter()
        totals = by(cluster, folder) if how == "ray" else here(folder)
        seconds.append(time.perf_counter() - started)
    print(json.dumps({"seconds": seconds, "totals": totals}), flush=True)
    os._exit(0)


def lines(folder: Path) -> list[Line]:
    """The job, for the table of all benchmarks."""
    return measure(folder, ROWS)


def measure(folder: Path, rows: int) -> list[Line]:
    """Return the measurements as lines of a table."""
    write_tables(folder, rows)
    us = [sys.executable, "-m", "benchmarks.ray_features", "--folder", str(folder), "--turns"]
    cluster = [sys.executable, str(ROOT / "scripts" / "services" / "ray.py"), "--workers", str(max(1, (os.cpu_count() or 1) - 1)), "--"]
    found = {"one process": _said([*us, "local"]), "Ray": _said([*cluster, *us, "ray"])}
    try:
        found["PySpark"] = _said([_spark(), str(PEERS / "features_spark.py"), str(folder), str(TURNS)])
    except PeerMissing as missing:
        print(missing, file=sys.stderr)
    ours = found["Ray"]
    told = []
    for name, said in found.items():
        seconds = statistics.median(said["seconds"])
        told.append(Line("ray_features", f"{rows:,} rows, {name}", f"{seconds:.1f} s"))
        if said is not ours:
            ratio, equal = seconds / statistics.median(ours["seconds"]), bool(np.allclose(said["totals"], ours["totals"], rtol=1e-9))
            told.append(Line("ray_features", f"{rows:,} rows, {name} over Ray", f"{ratio:.2f} x"))
            told.append(Line("ray_features", f"{rows:,} rows, totals of {name}", "equal" if equal else "differ", "equal", equal))
    return told


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
        turns(given.turns, given.folder)
    with tempfile.TemporaryDirectory(prefix="headrace-") as name:
        measured = measure(Path(name), given.rows)
    print(versions("headrace", "polars", "ray"), peer_versions(), machine(), table(measured), sep="\n")


def _said(command: list[str]) -> dict[str, list[float]]:
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    main()
