"""Headrace's side of joins and windows, as a process of its own: `python -m benchmarks.lookups_headrace JOB FOLDER NAME`.

Described, planned and computed as `headrace predict` does it: tables of more than a million rows go through buckets on disk.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

import headrace as hr
from headrace import col
from headrace.core.allocation import reuse_freed_memory
from headrace.expressions import DType
from headrace.features.bucketed import compute_frames
from headrace.features.frames import Bounds
from headrace.features.plan import FeaturePlan

EVENT_TYPES = {"key": DType.INT, "time": DType.DATETIME, "amount": DType.FLOAT}
QUESTION_TYPES = {"key": DType.INT, "asked": DType.DATETIME, "place": DType.INT}
AMOUNT = col("amount")
AGGREGATES = {"count": AMOUNT.count(), "sum": AMOUNT.sum(), "mean": AMOUNT.mean(), "min": AMOUNT.min(), "max": AMOUNT.max()}

events = hr.Events("events", source=hr.File("events.parquet"), time="time")
questions = hr.Events("questions", source=hr.File("questions.parquet"), time="asked")
VALUES = {
    "joins": {"amount": hr.latest(events, "amount", by="key", max_age="7d")},
    "windows": {
        f"{name}_{over}": hr.window(events, aggregate, by="key", over=over)
        for over in ("1h", "1d", "7d")
        for name, aggregate in AGGREGATES.items()
    },
}


def plan(job: str) -> FeaturePlan:
    """Return what is computed, with the questions' places."""
    values = {"place": col("place"), **VALUES[job]}
    declared = hr.Features(spine=questions, given=["key", "asked", "place"], as_of=col("asked"), values=values)
    return FeaturePlan.build(declared, QUESTION_TYPES, {"events": EVENT_TYPES})


def main() -> None:
    job, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    reuse_freed_memory()  # as a run does
    planned, started, cpu = plan(job), time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        spine, table = (pl.scan_parquet(folder / f"{each}.parquet") for each in ("questions", "events"))
        frames = list(compute_frames(planned, spine, {"events": table}, Bounds(Path(scratch))))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    pl.concat(frames).write_parquet(folder / f"{name}.parquet")
    print(json.dumps([seconds, cpu_seconds]))


if __name__ == "__main__":
    main()
