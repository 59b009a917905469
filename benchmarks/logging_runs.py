"""A run logged, with 20 parameters, 20 metrics and one artifact, against MLflow with its SQLite store.

The first use counts from the start of the imports to the end of the first run; then each run. Both sides work in turns.

Both sync every commit of their SQLite store. A run of ours is three commits in a write-ahead log, one sync each, and two or three for the
artifact and its name; one of MLflow's is four commits with a rollback journal, four syncs each, and its artifact is not synced.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.environments import PEERS, PeerMissing, peer
from benchmarks.report import Line, table, versions

TURNS, RUNS = 3, 100
BOUND = 10
_OURS = Path(__file__).resolve().parent / "log_runs.py"


def lines(folder: Path, turns: int = TURNS, count: int = RUNS) -> list[Line]:
    """Return the measurements as lines of a table."""
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    missing = ""
    for turn in range(turns):
        ours.append(_logged(sys.executable, _OURS, folder / f"ours-{turn}", count))
        with contextlib.suppress(PeerMissing):
            theirs.append(_logged(peer("mlflow").python, PEERS / "log_mlflow.py", folder / f"theirs-{turn}", count))
            continue
        missing = "MLflow could not be installed"
    told = _lines_of("headrace", ours)
    if not theirs:
        return [*told, Line("logging", "MLflow: not measured", missing)]
    first, each = (statistics.median(their[place] / our[place] for our, their in zip(ours, theirs, strict=True)) for place in (0, 1))
    return [
        *told,
        *_lines_of("MLflow", theirs),
        Line("logging", "MLflow over headrace, first use", f"{first:.1f} x"),
        Line("logging", "MLflow over headrace, a run", f"{each:.1f} x", f">= {BOUND} x", each >= BOUND),
    ]


def _logged(python: str, script: Path, folder: Path, count: int) -> tuple[float, float]:
    """Return the seconds of the first use and the median of the runs after it."""
    folder.mkdir()
    done = subprocess.run([python, str(script), str(folder), str(count)], check=True, capture_output=True, text=True, cwd=folder.parent)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found["first"], statistics.median(found["each"])


def _lines_of(name: str, taken: list[tuple[float, float]]) -> list[Line]:
    return [
        Line("logging", f"{name}, first use", f"{statistics.median(first for first, _ in taken):.2f} s"),
        Line("logging", f"{name}, a run", f"{statistics.median(each for _, each in taken) * 1000:.1f} ms"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--count", type=int, default=RUNS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        told = lines(Path(folder), arguments.turns, arguments.count)
    print(versions("headrace", "msgspec"))
    with contextlib.suppress(PeerMissing):
        print(peer("mlflow").version("mlflow"))
    print(table(told))


if __name__ == "__main__":
    main()
