"""The embedded store of online state against SQLite and RocksDB doing the same work.

Each in processes of its own: a fill, then commits of 4,000 fields by one process while two others read records of three fields; then the
writer is killed by `kill -9`. Fields are 700 bytes. RocksDB (`rocksdict`, in an environment of its own) lets one process at a time write
and others follow it by reopening its log, so its readers ask it to catch up before each read, which is what the contract needs.
"""

import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.environments import ROOT, PeerMissing, peer
from benchmarks.report import Line

KEYS, FIELDS, CHANGED, TURNS, READS, READERS = 30_000, 3, 4_000, 30, 3_000, 2
KINDS = ("LMDB", "SQLite", "RocksDB")
_WORK = Path(__file__).parent / "peers" / "store_work.py"


def lines(folder: Path) -> list[Line]:
    """Return the measurements as lines of a table."""
    told: list[Line] = []
    for kind in KINDS:
        try:
            told += [Line("stores", f"{kind}: {what}", value) for what, value in _measured(kind, folder / kind)]
        except PeerMissing as missing:
            told.append(Line("stores", kind, f"not measured: {missing}"))
    return told


def _measured(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    python = peer("rocksdict").python if kind == "RocksDB" else sys.executable
    folder.mkdir()
    command = [python, str(_WORK), kind, str(folder)]
    filled = _answer(
        subprocess.run([*command, "fill", str(KEYS), str(FIELDS)], check=True, capture_output=True, text=True, env=_environment()).stdout
    )
    yield f"{KEYS * FIELDS:,} fields filled in", f"{filled['cpu']:.2f} s of CPU, {_size(folder) / 2**20:.0f} MB"
    alone = _answer(_end(_start([*command, "read", str(READS), str(KEYS)])))
    yield "a record read, nobody writing", f"p50 {alone['p50']:.0f} µs, p99 {alone['p99']:.0f} µs"
    readers = [_start([*command, "read for ever", str(READS), str(KEYS)]) for _ in range(READERS)]
    written = _answer(_end(_start([*command, "write", str(TURNS), str(CHANGED), str(KEYS)])))
    for each in readers:
        each.send_signal(signal.SIGINT)
    beside = [_answer(_end(each)) for each in readers]
    yield (
        f"a commit of {CHANGED:,} fields, {READERS} processes reading",
        f"{written['cpu'] * 1000:.0f} ms of CPU, {written['p50'] / 1000:.0f} ms in all (p50)",
    )
    yield (
        "a record read beside that",
        (f"p50 {statistics.median(each['p50'] for each in beside):.0f} µs, p99 {max(each['p99'] for each in beside):.0f} µs"),
    )
    yield "on the disk afterwards", f"{_size(folder) / 2**20:.0f} MB"
    yield "after kill -9 of the writer, ten times", _killed(command)


def _killed(command: list[str]) -> str:
    whole = 0
    for turn in range(10):
        writer = _start([*command, "write for ever", "0", "500", str(KEYS)])
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.05 + turn / 50)
        writer.kill()
        returned = max(int(line) for line in writer.communicate()[0].split() or ["0"])
        seen = _answer(_end(_start([*command, "see", "500", str(KEYS)])))
        whole += bool(seen["whole"]) and seen["number"] >= returned
    return f"{whole} of 10 whole, with all that was returned"


def _start(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment())


def _end(process: "subprocess.Popen[str]") -> str:
    out, error = process.communicate()
    if process.returncode:
        raise RuntimeError(error)
    return out


def _answer(text: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(text.strip().splitlines()[-1])
    return found


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}


def _size(folder: Path) -> int:
    return sum(each.stat().st_blocks * 512 for each in folder.rglob("*") if each.is_file())
