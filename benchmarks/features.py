"""The features of all flights, from tables already read, against pandas; every value is compared.

Equal exactly but for means, which agree to nine digits: pandas sums as it goes and subtracts what leaves a window.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import polars as pl

import headrace as hr
from benchmarks.environments import PEERS, PeerMissing, peer
from benchmarks.flights import FLIGHTS, flights_home
from benchmarks.report import Line, table, versions
from headrace.app.store import lake_of
from headrace.core.allocation import reuse_freed_memory
from headrace.expressions import DType
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan
from headrace.ledger import tables as ledger_tables

TURNS = 3
BOUND = 20
_TOLERANCE = 1e-9


def lines(folder: Path, turns: int = TURNS) -> list[Line]:
    """Return the measurements as lines of a table."""
    reuse_freed_memory()  # as a run does
    plan, tables = read_tables(flights_home())
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet")
    ours, theirs = [], []
    for _ in range(turns):
        seconds, features = _timed(plan, tables)
        ours.append(seconds)
        try:
            done = [peer("pandas").python, str(PEERS / "features_pandas.py"), str(folder)]
            theirs.append(float(json.loads(subprocess.run(done, check=True, capture_output=True, text=True).stdout)))
        except (PeerMissing, subprocess.CalledProcessError) as reason:
            told = getattr(reason, "stderr", None) or str(reason)
            return [Line("features", "all flights, headrace", f"{seconds:.2f} s"), Line("features", "pandas: not measured", told[-200:])]
    ratio = statistics.median(their / our for our, their in zip(ours, theirs, strict=True))
    what = f"16 features of {features.height:,} flights"
    return [
        Line("features", f"{what}, headrace", f"{statistics.median(ours):.2f} s"),
        Line("features", f"{what}, pandas", f"{statistics.median(theirs):.2f} s"),
        Line("features", "pandas over headrace", f"{ratio:.1f} x", f">= {BOUND} x", ratio >= BOUND),
        *differences(features, pl.read_parquet(folder / "pandas.parquet")),
    ]


def read_tables(home: Path) -> tuple[FeaturePlan, dict[str, pl.DataFrame]]:
    """Return the plan of the flights' features, and the tables that it looks into, read."""
    with contextlib.closing(hr.load(FLIGHTS, home=str(home)).workspace) as workspace:
        declared = workspace.project.models[0].features
        found, types = {}, {}
        with workspace.ledger.read() as session:
            for each in declared.tables():
                version = ledger_tables.latest(session, workspace.project.name, each.name)
                assert version is not None
                found[each.name] = lake_of(workspace).tables.scan(each.name, version.version).sort("_arrival").collect()
                types[each.name] = {name: DType(kind) for name, kind in version.types.items()}
    return FeaturePlan.build(declared, types[declared.spine.name], types), found


def differences(ours: pl.DataFrame, theirs: pl.DataFrame) -> list[Line]:
    """Compare every value; return a line with the count of those that differ."""
    wrong = {name: count for name in ours.columns if (count := _differing(ours[name], theirs[name]))}
    told = ", ".join(f"{name}: {count:,}" for name, count in wrong.items()) or "none"
    return [Line("features", f"values that differ, of {ours.height * ours.width:,}", told, "none", not wrong)]


def _differing(ours: pl.Series, theirs: pl.Series) -> int:
    if ours.dtype == pl.String:
        return int((ours.ne_missing(theirs.cast(pl.String))).sum())
    mine, other = ours.cast(pl.Float64).fill_nan(None), theirs.cast(pl.Float64).fill_nan(None)
    apart = (mine - other).abs() > _TOLERANCE * mine.abs().clip(1.0)
    return int((mine.is_null() != other.is_null()).sum() + apart.fill_null(value=False).sum())


def _timed(plan: FeaturePlan, tables: Mapping[str, pl.DataFrame]) -> tuple[float, pl.DataFrame]:
    """The better of two, as on the other side."""
    taken = []
    for _ in range(2):
        started = time.perf_counter()
        found = compute(plan, tables[plan.spine].lazy(), {name: frame.lazy() for name, frame in tables.items()})
        taken.append(time.perf_counter() - started)
    return min(taken), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        told = lines(Path(folder), arguments.turns)
    print(versions("headrace", "polars", "numpy"))
    with contextlib.suppress(PeerMissing):
        print(peer("pandas").version("pandas", "numpy"))
    print(table(told))


if __name__ == "__main__":
    main()
