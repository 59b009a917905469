"""Programs that do the same job, each in a process of its own, turn by turn.

A racer is called with a folder and a name, does its job on the tables there, writes what it found to `<name>.parquet` and prints
`[seconds, cpu_seconds]` of the job, as its last line. Its memory is the most that was resident at once, as the operating system tells it.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import ROOT

# What a peer may ask the system for, and how long it is waited for: one that wants more is told so, and the machine lives on.
PEER_BYTES = 10 << 30
PEER_SECONDS = 900
# One that takes longer runs a single turn.
SLOW_SECONDS = 60
_GIVEN_UP = 124
OURS = "headrace"


@dataclass(frozen=True)
class Turn:
    """What one turn of a racer took; `fault` says why it did not end."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    fault: str = ""


def turn(name: str, command: Sequence[str], folder: Path) -> Turn:
    """Run a racer once."""
    print(f"  {name} in {folder.name} ...", file=sys.stderr, flush=True)
    limited = command if name == OURS else ["timeout", str(PEER_SECONDS), "prlimit", f"--data={PEER_BYTES}", *command]
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*limited, str(folder), name], stdout=output, stderr=output, cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no message"]
    peak = used.ru_maxrss * 1024
    if process.returncode:
        given_up = process.returncode == _GIVEN_UP
        return Turn(peak_bytes=peak, fault=f"given up after {PEER_SECONDS} s" if given_up else f"ended: {said[-1][:120]}")
    seconds, cpu_seconds = json.loads(said[-1])
    print(f"    {seconds:.2f} s, {cpu_seconds:.2f} s of CPU, {peak / 2**30:.2f} GiB", file=sys.stderr, flush=True)
    return Turn(seconds, cpu_seconds, peak)


def race(racers: Mapping[str, Sequence[str]], folder: Path, turns: int) -> dict[str, list[Turn]]:
    """Run all racers in turns; a peer that failed or was slow is not run again."""
    run: dict[str, list[Turn]] = {name: [] for name in racers}
    for _ in range(turns):
        for name, command in racers.items():
            if name == OURS or not any(each.fault or each.seconds > SLOW_SECONDS for each in run[name]):
                run[name].append(turn(name, command, folder))
    return run


def told(turns: Sequence[Turn]) -> str:
    """Return a racer's medians for people."""
    fault = next((each.fault for each in turns if each.fault), "")
    if fault:
        return f"{fault}, at {max(each.peak_bytes for each in turns) / 2**30:.2f} GiB"
    seconds, cpu = (statistics.median(getattr(each, name) for each in turns) for name in ("seconds", "cpu_seconds"))
    return f"{seconds:.2f} s, {cpu:.2f} s of CPU, {max(each.peak_bytes for each in turns) / 2**30:.2f} GiB"


def ratio(ours: Sequence[Turn], theirs: Sequence[Turn], what: str = "seconds") -> float | None:
    """Return the median of the ratios of the turns that both ran, theirs over ours; None where one did not end."""
    if not ours or not theirs or any(each.fault for each in (*ours, *theirs)):
        return None
    return statistics.median(getattr(their, what) / getattr(our, what) for our, their in zip(ours, theirs, strict=False))
