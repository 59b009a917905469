"""Ten steps that do nothing, each time in a fresh process: first and unchanged, against the bare interpreter, Kedro and Metaflow.

Kedro and Metaflow know nothing of unchanged steps: they run all ten each time. All are timed in turns.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environments import PEERS, PeerMissing, peer
from benchmarks.report import Line, table, versions
from benchmarks.startup import BARE, timed

TURNS = 7
BOUND_SECONDS = 0.3
FIRST, UNCHANGED = "headrace, first", "headrace, unchanged"
KEDRO, METAFLOW = "Kedro", "Metaflow"
_OURS = str(Path(__file__).resolve().parent / "noop_steps.py")


def lines(folder: Path, turns: int = TURNS) -> list[Line]:
    """Return the measurements as lines of a table."""
    taken: dict[str, list[float]] = {"bare interpreter": []}
    missing: dict[str, str] = {}
    peers = dict(_peers(folder, missing))
    for turn in range(turns):
        home = folder / f"home-{turn}"
        home.mkdir()
        commands: dict[str, Sequence[str]] = {
            "bare interpreter": BARE,
            FIRST: (sys.executable, _OURS, str(home)),
            UNCHANGED: (sys.executable, _OURS, str(home)),
            **peers,
        }
        for name, command in commands.items():
            taken.setdefault(name, []).append(timed(command, _environment(folder)) / 1000)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    told = [_line(name, seconds) for name, seconds in medians.items()]
    for name in (KEDRO, METAFLOW):
        if name in taken:
            ratio = statistics.median(theirs / ours for theirs, ours in zip(taken[name], taken[FIRST], strict=True))
            told.append(Line("steps", f"{name} over headrace, first", f"{ratio:.1f} x"))
    return told + [Line("steps", f"{name}: not measured", reason) for name, reason in missing.items()]


def _peers(folder: Path, missing: dict[str, str]) -> list[tuple[str, Sequence[str]]]:
    found: list[tuple[str, Sequence[str]]] = []
    for name, home, arguments in ((KEDRO, "kedro", ["noop_kedro.py"]), (METAFLOW, "metaflow", ["noop_metaflow.py", "run"])):
        try:
            command = (peer(home).python, str(PEERS / arguments[0]), *arguments[1:])
            timed(command, _environment(folder))  # what it writes once is written
        except (PeerMissing, subprocess.CalledProcessError) as reason:
            missing[name] = str(reason)[-160:]
        else:
            found.append((name, command))
    return found


def _environment(folder: Path) -> dict[str, str]:
    """Nothing is sent anywhere, and everything that a peer writes lands in the folder."""
    local = {"METAFLOW_USER": "ana", "USERNAME": "ana", "METAFLOW_HOME": str(folder), "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)}
    return {**os.environ, **local, "KEDRO_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}


def _line(name: str, seconds: float) -> Line:
    if name not in (FIRST, UNCHANGED):
        return Line("steps", name, f"{seconds:.2f} s")
    return Line("steps", name, f"{seconds:.2f} s", f"< {BOUND_SECONDS} s", seconds < BOUND_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        told = lines(Path(folder), arguments.turns)
    print(versions("headrace", "msgspec"))
    for name in ("kedro", "metaflow"):
        with contextlib.suppress(PeerMissing):
            print(peer(name).version(name))
    print(table(told))


if __name__ == "__main__":
    main()
