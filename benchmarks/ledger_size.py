"""A ledger with 100,000 runs and 100,000 charges: how long the commands that list and total take, each in a process of its own."""

import argparse
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.report import Line, table, versions
from benchmarks.startup import BARE, timed
from headrace.core.clock import SystemClock
from headrace.core.ids import new_id
from headrace.core.money import usd
from headrace.ledger.schema import charge, run
from headrace.ledger.store import Ledger

COUNT = 100_000
REPEATS = 5
RUNS_BOUND_SECONDS = 0.5
COMMANDS: dict[str, Sequence[str]] = {
    "runs": ("runs",),
    "runs --limit 1000": ("runs", "--limit", "1000"),
    "status": ("status",),
    "cost": ("cost",),
    "cost --by step": ("cost", "--by", "step"),
    "show of a run": ("show", "{run}"),
}
_PROJECT = """import headrace as hr
from headrace import col

rows = hr.Events("rows", source=hr.File("rows.csv"), id="id", time="at")
features = hr.Features(spine=rows, given=["x"], values={"x": col("x")})
model = hr.Model("late", features=features, target=col("late") == 1, split=hr.split.by_time(validation="1d", test="1d"),
                 candidates=[hr.Baseline()], metric="average_precision")
project = hr.Project("large", models=[model])
"""
_BATCH = 10_000


def fill(home: Path, count: int) -> str:
    """Write so many runs of a year, each with a charge, into a home's ledger; return the id of one in the middle."""
    random.seed(7)
    began = datetime(2025, 1, 1, tzinfo=UTC)
    moments = [began + timedelta(seconds=number * 315) for number in range(count)]
    ids = [new_id("run", moment) for moment in moments]
    home.mkdir(parents=True, exist_ok=True)
    with Ledger.open(home / "ledger.db", SystemClock()) as ledger:
        for start in range(0, count, _BATCH):
            some = list(zip(ids, moments, strict=True))[start : start + _BATCH]
            with ledger.write("benchmark", "fill") as session:
                session.insert(run, *(_run(*each) for each in some))
                session.insert(charge, *(_charge(*each) for each in some))
    return ids[count // 2]


def lines(folder: Path, count: int = COUNT, repeats: int = REPEATS) -> list[Line]:
    """Return the measurements as lines of a table."""
    project, home = folder / "project.py", folder / "home"
    project.write_text(_PROJECT, encoding="utf-8")
    (folder / "rows.csv").write_text("id,at,x,late\n1,2025-01-01T00:00:00Z,1,0\n", encoding="utf-8")
    middle = fill(home, count)
    environment = {**os.environ, "HEADRACE_HOME": str(home)}
    commands = {
        name: (sys.executable, "-m", "headrace", *(part.format(run=middle) for part in parts), "--project", str(project))
        for name, parts in COMMANDS.items()
    }
    taken: dict[str, list[float]] = {name: [] for name in ("bare interpreter", *commands)}
    for _ in range(repeats):
        taken["bare interpreter"].append(timed(BARE))
        for name, command in commands.items():
            taken[name].append(timed(command, environment))
    return [_line(name, statistics.median(times) / 1000, count) for name, times in taken.items()]


def _line(name: str, seconds: float, count: int) -> Line:
    what = name if name == "bare interpreter" else f"headrace {name}, {count:,} runs and charges"
    if name != "runs":
        return Line("ledger size", what, f"{seconds:.2f} s")
    return Line("ledger size", what, f"{seconds:.2f} s", f"< {RUNS_BOUND_SECONDS} s", seconds < RUNS_BOUND_SECONDS)


def _run(identifier: str, moment: datetime) -> dict[str, object]:
    return {
        "id": identifier, "project": "large", "kind": "run", "state": "finished", "actor": "ana", "code": "c" * 64, "seed": 7,
        "started": moment, "finished": moment + timedelta(seconds=40), "error": None, "details": {"python": "3.11"}, "summary": {},
    }  # fmt: skip


def _charge(run_id: str, moment: datetime) -> dict[str, object]:
    amount = usd(random.randrange(10**9)) / 10**12
    return {
        "id": new_id("chg", moment), "project": "large", "run_id": run_id, "step": f"step-{random.randrange(30)}", "model": "late",
        "model_version_id": None, "resource": "vcpu", "quantity": 1.0, "unit": "second", "unit_price_usd": amount, "amount_usd": amount,
        "catalogue": "test 2026-01-01", "charged": moment,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        told = lines(Path(folder), arguments.count, arguments.repeats)
    print(versions("headrace", "typer"))
    print(table(told))


if __name__ == "__main__":
    main()
