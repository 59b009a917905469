"""Ten CSVs of different kinds: `headrace init`, `headrace run`, and a plain LightGBM on the very same rows.

Headrace is what a stranger gets: the description that `init` writes, untouched. LightGBM learns from the same train rows, stops by the same
validation rows, and is judged on the same test rows by the same metric. The difference is above zero where Headrace is better, whatever the
metric, with a 95 % interval from a paired bootstrap of the test rows; where the interval holds zero, the two are called equal.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import headrace as hr
from benchmarks.environments import PeerMissing
from benchmarks.report import Line, as_json, machine, versions
from benchmarks.ten_tables import TABLES, Table
from headrace.app.lifecycle import build_graph
from headrace.app.recording import LedgerMemo
from headrace.app.steps.training import ModelRows, load_candidates, model_rows
from headrace.costs.prices import Prices
from headrace.models.lightgbm_library import let_waiting_threads_sleep
from headrace.stats.bootstrap import Interval
from headrace.training.evaluation import ScoredRows, compare, evaluate, score_rows
from headrace.training.splits import TEST
from headrace.training.train import Trained, choose

_SEED = 13
_OWN = ("_arrival", "_ingested")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one table came to. Scores and the difference are (value, low, high); seconds and memory of `init` and `run` together."""

    name: str
    kind: str
    origin: str
    rows: int
    columns: int
    features: int
    metric: str
    candidate: str
    stopped_by: str
    headrace: tuple[float, float, float]
    plain: tuple[float, float, float]
    difference: tuple[float, float, float]
    init_seconds: float
    run_seconds: float
    plain_seconds: float
    peak_mb: float

    @property
    def verdict(self) -> str:
        """Whether Headrace is better, equal or worse."""
        _, low, high = self.difference
        return "better" if low > 0 else "worse" if high < 0 else "equal"


def measure(table: Table, folder: Path, most: int | None = None) -> Outcome:
    """Write a table, have it described and run, and compare.

    Raises:
        PeerMissing: if the package with the data cannot be had.
    """
    rows, columns = table.write(folder / f"{table.name}.csv", most)
    described = folder / table.name
    init, init_mb = _command(folder, "init", f"{table.name}.csv", "--target", table.target, "--output", table.name)
    run, run_mb = _command(described, "run")
    project = hr.load(described / "project.py", environment={})
    try:
        model, made, chosen = _recorded(project)
        ours = score_rows(chosen.artifact, made.features[made.parts.rows(TEST)], made.target[made.parts.rows(TEST)])
        plain, seconds = _plain(made, table.target)
        metric = model.metric
        return Outcome(
            name=table.name, kind=table.kind, origin=table.origin, rows=rows, columns=columns, features=made.features.width,
            metric=metric, candidate=chosen.candidate, stopped_by=chosen.stopped_by,
            headrace=_measured(metric, ours), plain=_measured(metric, plain), difference=_three(compare(metric, ours, plain, seed=_SEED)),
            init_seconds=init, run_seconds=run, plain_seconds=seconds, peak_mb=max(init_mb, run_mb),
        )  # fmt: skip
    finally:
        project.close()


def _command(folder: Path, *arguments: str) -> tuple[float, float]:
    """Run a command as a person would; return its seconds and its greatest memory in MB."""
    environment = {**{name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}, "HEADRACE_USER": "ana"}
    started = time.perf_counter()
    with (folder / "said.txt").open("w+b") as said:
        process = subprocess.Popen([sys.executable, "-m", "headrace", *arguments], cwd=folder, env=environment, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"headrace {' '.join(arguments)} ended with {process.returncode}:\n{said.read().decode()}")
    return time.perf_counter() - started, used.ru_maxrss / 1024


def _recorded(project: hr.ProjectHandle) -> tuple[hr.Model, ModelRows, Trained]:
    """Return the model, its rows as every step of the run saw them, and the candidate that the run chose."""
    workspace = project.workspace
    model = workspace.project.models[0]
    graph = build_graph(workspace, Prices.load(workspace.settings.prices_file).vcpu_second)
    memo = LedgerMemo(workspace, [step.fingerprint for step in graph.steps.values()])
    outputs: dict[str, Any] = {name: memo.find(step.fingerprint) for name, step in graph.steps.items()}
    return model, model_rows(workspace, model, outputs), choose(model.metric, load_candidates(workspace, model, outputs))


def _plain(made: ModelRows, target: str) -> tuple[ScoredRows, float]:
    # On a busy machine threads that spin take a plain LightGBM twenty times as long, which is nothing to compare with.
    let_waiting_threads_sleep()
    from benchmarks.plain_boosting import Rows, score

    started = time.perf_counter()
    columns = made.spine.collect()
    columns = columns.drop([name for name in columns.columns if name == target or name in _OWN])
    return score(Rows(task=made.task, columns=columns, target=made.target, parts=made.parts)), time.perf_counter() - started


def _measured(metric: str, scored: ScoredRows) -> tuple[float, float, float]:
    return _three(evaluate(scored, seed=_SEED, metrics=[metric]).metrics[metric])


def _three(interval: Interval) -> tuple[float, float, float]:
    missing = float("nan")
    return tuple(missing if value is None else value for value in (interval.value, interval.low, interval.high))  # type: ignore[return-value]


def as_table(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes in columns for people."""
    heading = [
        "table",
        "kind",
        "rows",
        "columns",
        "metric",
        "headrace",
        "plain LightGBM",
        "difference",
        "",
        "chosen",
        "init s",
        "run s",
        "plain s",
        "MB",
    ]
    rows = [heading, *([each.name, each.kind, *cells(each)] for each in outcomes)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(heading))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def cells(each: Outcome) -> list[str]:
    """What is said of one outcome, beside its name and kind."""
    return [
        f"{each.rows:,}",
        str(each.columns),
        each.metric,
        _interval(each.headrace),
        f"{each.plain[0]:.4g}",
        _interval(each.difference, "+"),
        each.verdict,
        each.candidate,
        f"{each.init_seconds:.1f}",
        f"{each.run_seconds:.1f}",
        f"{each.plain_seconds:.1f}",
        f"{each.peak_mb:.0f}",
    ]


def _interval(three: tuple[float, float, float], sign: str = "") -> str:
    value, low, high = (f"{each:{sign}.4g}" for each in three)
    return f"{value} ({low} to {high})"


def outcomes(names: Sequence[str], most: int | None, work: Path) -> list[Outcome]:
    """Measure the tables of these names, one after the other; one whose package is not to be had is left out, and said so."""
    found = []
    for table in TABLES:
        if names and table.name not in names:
            continue
        print(f"  {table.name} ...", file=sys.stderr, flush=True)
        try:
            found.append(measure(table, work, most))
            print(f"    {'; '.join(cells(found[-1]))}", file=sys.stderr, flush=True)
        except PeerMissing as missing:
            print(f"  {table.name}: {missing}", file=sys.stderr, flush=True)
    return found


def lines(folder: Path) -> list[Line]:
    """Measure all ten for the table of all benchmarks."""
    return [
        Line("tables", f"{each.kind} ({each.name}): {each.metric}", f"{_interval(each.headrace)}, LightGBM {each.plain[0]:.4g}", "", None)
        for each in outcomes([], None, folder)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tables", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="NAME", action="append", default=[], choices=[table.name for table in TABLES])
    parser.add_argument("--rows", type=int, metavar="COUNT", help="take at most so many rows of each, for a trial")
    parser.add_argument("--work", type=Path, help="work in this empty folder and keep it; default: a temporary one")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        work = arguments.work or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        found = outcomes(arguments.only, arguments.rows, work.resolve())
    if arguments.json:
        print(as_json([asdict(each) | {"verdict": each.verdict} for each in found]))
    else:
        print(versions("headrace", "lightgbm", "polars"), machine(), as_table(found), sep="\n")


if __name__ == "__main__":
    main()
