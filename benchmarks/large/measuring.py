"""A table larger than the memory that is allowed, through ingest, features and scoring: `python -m benchmarks.large --rows 10000000`.

Every stage is a process of its own; its memory is the most that was resident at once, as the operating system tells it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.environments import ROOT, PeerMissing, peer
from benchmarks.report import Line, as_json, table, versions

ROWS, SAMPLE_ROWS, BOUND_BYTES = 10_000_000, 100_000, 2 << 30
HERE = Path(__file__).resolve().parent
STAGES = ("ingest", "features", "score")
# What a peer may ask the system for; one that wants more is told that there is none, and the machine lives on.
PEER_BYTES = 16 << 30
# How long a peer's stage is waited for.
PEER_SECONDS = 1200
_GIVEN_UP = 124


@dataclass(frozen=True)
class Stage:
    """One stage of one system; `fault` says why it did not end."""

    system: str
    stage: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    fault: str = ""


def measure(folder: Path, rows: int = ROWS, peers: bool = True) -> tuple[list[Stage], int]:
    """Return every stage, and the size of the file in bytes."""
    shutil.copy(HERE / "project.py", folder)
    _write(folder, min(SAMPLE_ROWS, rows))
    commands = {"Headrace": _headrace(folder)}
    _must(run(folder, "Headrace", "sample", [*commands["Headrace"], "sample", str(folder)]))
    size = _write(folder, rows)
    if peers:
        commands["Polars"] = [sys.executable, str(HERE / "polars_stage.py")]
        try:
            commands["pandas"] = [peer("pandas_large").python, str(HERE / "pandas_stage.py")]
        except PeerMissing as error:
            print(error, file=sys.stderr)
    return [stage for system, command in commands.items() for stage in _stages(folder, system, command)], size


def _stages(folder: Path, system: str, command: Sequence[str]) -> list[Stage]:
    """Run a system's stages until one fails: the next has nothing to work on then."""
    done: list[Stage] = []
    for name in STAGES:
        done.append(run(folder, system, name, [*command, name, str(folder)]))
        if done[-1].fault:
            break
    return done


def run(folder: Path, system: str, stage: str, command: Sequence[str]) -> Stage:
    """Run one stage in its own process."""
    print(f"  {system} {stage} ...", file=sys.stderr, flush=True)
    log, started = folder / f"{system}.{stage}.log", time.perf_counter()
    limited = command if system == "Headrace" else ["timeout", str(PEER_SECONDS), "prlimit", f"--data={PEER_BYTES}", *command]
    with log.open("wb") as output:
        process = subprocess.Popen(limited, stdout=output, stderr=output, cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text(encoding="utf-8", errors="replace").strip()
    fault = _fault(process.returncode, said)
    print(said[-3000:], file=sys.stderr, flush=True)
    cpu = used.ru_utime + used.ru_stime
    return Stage(system, stage, time.perf_counter() - started, cpu, used.ru_maxrss * 1024, fault)


def _fault(code: int, said: str) -> str:
    if code in (0, _GIVEN_UP):
        return f"given up after {PEER_SECONDS:,} s" if code else ""
    return f"ended with {code}: {said.splitlines()[-1] if said else 'no message'}"


def _headrace(folder: Path) -> list[str]:
    os.environ.update({"HEADRACE_USER": "bench", "HEADRACE_HOME": str(folder / "home")})
    return [sys.executable, "-m", "benchmarks.large.headrace_stage"]


def _write(folder: Path, rows: int) -> int:
    """Write the tables in a process of its own: the memory that a parent has counts for its children."""
    command = [sys.executable, "-m", "benchmarks.large.table", str(folder), str(rows)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def _must(stage: Stage) -> None:
    if stage.fault:
        raise RuntimeError(f"{stage.system} {stage.stage}: {stage.fault}")


def lines(home: Path) -> list[Line]:
    """Return the measurements as lines of a table."""
    return _lines(*measure(home))


def _lines(stages: Sequence[Stage], size: int, rows: int = ROWS) -> list[Line]:
    told = [Line("size", "the file", f"{rows:,} rows, {size / 1e9:.2f} GB")]
    for each in stages:
        value = f"{each.seconds:.0f} s, {each.cpu_seconds:.0f} s of CPU, {each.peak_bytes / 2**30:.2f} GiB" + (
            f", {each.fault}" if each.fault else ""
        )
        promised = each.system == "Headrace"
        held = each.peak_bytes < BOUND_BYTES and not each.fault if promised else None
        told.append(Line("size", f"{each.system}: {each.stage}", value, "< 2 GiB" if promised else "", held))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"how many; default: {ROWS:,}")
    parser.add_argument("--no-peers", action="store_true", help="only Headrace")
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--folder", type=Path, help="an empty folder to work in, left as it is in the end; default: a temporary one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        stages, size = measure(folder, arguments.rows, not arguments.no_peers)
    if arguments.json:
        print(as_json([asdict(stage) for stage in stages]))
        return
    print(versions("headrace", "polars", "lightgbm"))
    print(table(_lines(stages, size, arguments.rows)))
