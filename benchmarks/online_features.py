"""One question after the other, features read from a store and computed, against Feast's `get_online_features` with the same Redis.

Two hundred thousand events of a thousand keys in thirty days: nine windows of an hour, a day and a week, and the latest amount. Headrace
reads the rows in the windows and aggregates them as of the question's moment; Feast hands out values that were put there before.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import headrace as hr
from benchmarks.environments import PEERS, PeerMissing, peer
from benchmarks.report import Line, machine, table, versions
from benchmarks.services import redis as start_redis
from headrace import col
from headrace.expressions import DType
from headrace.features.plan import FeaturePlan
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.opening import open_store
from headrace.features.stream.layout import group_layouts
from headrace.features.stream.live import LiveFeatures
from headrace.features.stream.positions import Position, position_mark
from headrace.features.stream.reading import answer
from headrace.features.stream.writing import StateWriter

EVENTS, KEYS, QUESTIONS, BATCH = 200_000, 1_000, 5_000, 20_000
BOUNDS = {"embedded": 200, "Redis": 500}
_START, _SPAN = datetime(2025, 1, 1, tzinfo=UTC), timedelta(days=30)
_TYPES = {"key": DType.INT, "time": DType.DATETIME, "amount": DType.FLOAT}

events = hr.Events("events", source=hr.File("events.parquet"), time="time")
questions = hr.Events("questions", source=hr.File("questions.parquet"), time="asked")
VALUES = {
    f"{name}_{over}": hr.window(events, aggregate, by="key", over=over)
    for over in ("1h", "1d", "7d")
    for name, aggregate in {"count": hr.count(), "total": col("amount").sum(), "most": col("amount").max()}.items()
}


def plan() -> FeaturePlan:
    """Return what is asked."""
    values = {**VALUES, "last": hr.latest(events, "amount", by="key")}
    declared = hr.Features(spine=questions, given=["key", "asked"], as_of=col("asked"), values=values)
    return FeaturePlan.build(declared, {"key": DType.INT, "asked": DType.DATETIME}, {"events": _TYPES})


def fill(store: StateStore, planned: FeaturePlan) -> None:
    """Bring the events into a store, as a stream does, micro-batch by micro-batch."""
    rng = np.random.default_rng(3)
    moments = pl.Series(np.sort(rng.integers(0, int(_SPAN.total_seconds() * 1e6), EVENTS))).cast(pl.Duration("us"))
    rows = pl.DataFrame(
        {"key": rng.integers(0, KEYS, EVENTS), "amount": np.round(rng.gamma(2.0, 30.0, EVENTS), 2), "_arrival": np.arange(EVENTS)}
    )
    rows = rows.with_columns(time=pl.lit(_START).dt.cast_time_unit("us") + moments, _ingested=pl.lit(_START).dt.cast_time_unit("us"))
    writer = StateWriter(group_layouts([planned]), {})
    for start in range(0, EVENTS, BATCH):
        store.commit(writer.changes(0, rows[start : start + BATCH], None, store))
    store.commit(Commit(marks={position_mark("events", 0): Position(next_offset=EVENTS).to_bytes()}))


def ask(store: StateStore, planned: FeaturePlan, keys: list[int]) -> list[int]:
    """Return the nanoseconds of each question."""
    live, asked, taken = LiveFeatures(planned, store, None, {"events"}), _START + _SPAN, []
    for number, key in enumerate([*keys[:200], *keys]):
        row = {"key": key, "asked": asked}
        started = time.perf_counter_ns()
        live.compute(row, asked)
        if number >= 200:
            taken.append(time.perf_counter_ns() - started)
    return taken


def lines(folder: Path) -> list[Line]:
    """Return the measurements as lines of a table."""
    planned, keys, redis = plan(), np.random.default_rng(5).integers(0, KEYS, QUESTIONS).tolist(), start_redis()
    try:
        told, taken = [], {}
        for name, url in {"embedded": str(folder / "state"), "Redis": redis.place()}.items():
            store = open_store(url)
            try:
                fill(store, planned)
                taken[name] = ask(store, planned, keys)
                _keep_values(folder, planned, store)
            finally:
                store.close()
            told.append(_line(f"headrace, {name}", taken[name], BOUNDS[name]))
        pl.DataFrame({"key": keys}).write_parquet(folder / "asked.parquet")
        return [*told, *_feast(folder, redis, taken["Redis"])]
    finally:
        redis.remove()


def _feast(folder: Path, redis: Any, ours: list[int]) -> list[Line]:
    where = f"127.0.0.1:{redis.port},password={redis.password},db=1"
    try:
        command = [peer("feast").python, "-W", "ignore", str(PEERS / "online_feast.py"), where, str(folder), str(QUESTIONS)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except (PeerMissing, subprocess.CalledProcessError) as reason:
        told = getattr(reason, "stderr", None) or str(reason)
        return [Line("online_features", "Feast: not measured", told[-200:])]
    answered = json.loads(done.stdout.strip().splitlines()[-1])
    ratio = statistics.median(answered["ns"]) / statistics.median(ours)
    return [
        _line(f"Feast, Redis, {answered['found']:,} of {QUESTIONS:,} found", answered["ns"]),
        Line("online_features", "Feast over headrace, Redis, p50", f"{ratio:.1f} x"),
    ]


def _keep_values(folder: Path, planned: FeaturePlan, store: StateStore) -> None:
    """Write what each key's features are, for Feast to hand out."""
    asked = pl.lit(_START + _SPAN).dt.cast_time_unit("us")
    spine = pl.DataFrame({"key": np.arange(KEYS)}).with_columns(asked=asked)
    found = answer(planned, store, spine).cast(pl.Float64)
    spine.rename({"asked": "time"}).hstack(found).write_parquet(folder / "values.parquet")


def _line(what: str, taken: list[int], bound_us: int | None = None) -> Line:
    half, most = (float(each) / 1000 for each in np.percentile(taken, [50, 99]))
    value = f"p50 {half:,.0f} µs, p99 {most:,.0f} µs"
    return Line("online_features", what, value, *(("", None) if bound_us is None else (f"p50 < {bound_us} µs", half < bound_us)))


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.online_features", description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        found = lines(Path(folder))
    print(versions("headrace", "redis", "lmdb"), machine(), table(found), sep="\n")


if __name__ == "__main__":
    main()
