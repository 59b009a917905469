"""Run in reach of a cluster: `python ray_checks.py ADDRESS FOLDER`. It prints what it found, for `test_ray` to judge."""

import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import ray_work

from headrace.engine.cluster import Cluster
from headrace.expressions import DType, col, count
from headrace.features.bucketed import lookup_frames
from headrace.features.frames import Bounds
from headrace.features.plan import FeaturePlan
from headrace.features.scattered import Scattered, scattered_lookups
from headrace.features.scattered_rows import Assembly, scattered_assembly
from headrace.features.shared import Rows, Shared
from headrace.lake.frames import bytes_frame, frame_bytes
from headrace.lake.reference import LakeReference
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Events

SECRET = "hush-hush-hush"
START = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = {"shop": DType.STRING, "amount": DType.FLOAT, "time": DType.DATETIME}
SALES = Events("sales", source=File("sales.csv"), time="time")


def sales(rows: int) -> pl.DataFrame:
    rng = random.Random(7)
    return pl.DataFrame(
        {
            "shop": [f"s{rng.randrange(20)}" for _ in range(rows)],
            "amount": [rng.choice([None, rng.gauss(50, 10)]) for _ in range(rows)],
            "time": [START + timedelta(minutes=rng.randrange(rows)) for _ in range(rows)],
            "_arrival": range(rows),
        },
        schema={"shop": pl.String, "amount": pl.Float64, "time": pl.Datetime("us", "UTC"), "_arrival": pl.Int64},
    )


def plan() -> FeaturePlan:
    values = {
        "orders": window(SALES, count(), by="shop", over="3h"),
        "sum": window(SALES, col("amount").sum(), by="shop", over="12h", hop="1h"),
        "last": latest(SALES, "amount", by="shop", max_age="2h"),
    }
    return FeaturePlan.build(Features(spine=SALES, given=["shop", "time"], as_of=col("time"), values=values), TYPES, {"sales": TYPES})


def features(cluster: Cluster, folder: Path) -> dict[str, object]:
    """Compute lookups in many tasks, and as one process does; assemble them."""
    rows, planned, lake = sales(1500), plan(), LakeReference(str(folder), "shop")
    table = Rows("sales", lake.lake().tables.write("sales", rows).version)
    shared, limits = Shared(lake, "x"), {"rows_at_once": 800, "frame_rows": 300, "few_rows": 0}
    slots = tuple(lookup.slot for lookup in planned.lookups)
    what = Scattered(plan=planned, slots=slots, spine=table, table=table, shared=shared, **limits)
    kept = list(scattered_lookups(cluster, what, lambda done, total: None))
    columns = {slot: [each[slot].name for each in kept] for slot in slots}
    frames = list(lookup_frames(planned, planned.lookups, rows.lazy(), rows.lazy(), Bounds(folder, *limits.values())))
    local = {slot: [frame_bytes(frame[slot].alias("value").to_frame()) for frame in frames] for slot in slots}
    same = {slot: here == [lake.lake().blobs.get(name) for name in columns[slot]] for slot, here in local.items()}
    assembly = Assembly(plan=planned, spine=table, rows=1500, shared=shared, columns=columns, table="features/m", frame_rows=300)
    scattered_assembly(cluster, assembly, lambda done, total: None)
    found = lake.lake().tables.scan("features/m").collect()
    sums = [value for name in columns["lookup_1"] for value in bytes_frame(lake.lake().blobs.get(name))["value"]]
    return {"lookups": same, "assembled": found["sum"].to_list() == sums, "frames": len(columns["lookup_0"])}


def raised(cluster: Cluster, kind: str) -> list[str]:
    try:
        list(cluster.each(ray_work.fault, [kind]))
    except BaseException as error:  # noqa: BLE001 - what it is, is what is asked
        return [type(error).__name__, str(error), str(isinstance(error, Exception))]
    return []


def stopped(cluster: Cluster, folder: Path) -> bool:
    """Tell whether a task that sleeps is gone soon after its listener wants no more."""
    mark = folder / "sleeper"

    def hear() -> None:
        if mark.exists() and mark.read_text(encoding="utf-8"):
            raise KeyboardInterrupt

    try:
        list(cluster.each(ray_work.sleep_long, [str(mark)], hear))
    except KeyboardInterrupt:
        process = Path(f"/proc/{mark.read_text(encoding='utf-8')}")
        deadline = time.monotonic() + 20
        while process.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        return not process.exists()
    return False


def secret_told(cluster: Cluster, folder: Path) -> str:
    lake = LakeReference(str(folder), "shop", (("secret_access_key", SECRET),), (SECRET,))
    try:
        list(cluster.each(ray_work.tell_secret, [Shared(lake, "x")]))
    except ValueError as error:
        return str(error)
    return ""


def tried(cluster: Cluster, mark: Path) -> int:
    try:
        list(cluster.each(ray_work.count_and_fail, [str(mark)]))
    except ValueError:
        return len(mark.read_text(encoding="utf-8"))
    return 0


def main(address: str, folder: Path) -> None:
    cluster = Cluster(address)
    found = {
        "squares": list(cluster.each(ray_work.square, range(40))),
        "cpu": cluster.cpu_seconds > 0,
        "slots": cluster.slots,
        "features": features(cluster, folder),
        "raised": {kind: raised(cluster, kind) for kind in ("user", "value", "odd", "exit", "panic")},
        "tried": tried(cluster, folder / "tried"),
        "secret": secret_told(cluster, folder),
        "killed": list(cluster.each(ray_work.die_once, [str(folder / "killed")])),
        "stopped": stopped(cluster, folder),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
