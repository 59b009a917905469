"""Programs that are kept while they take turns at a job, each with all that it starts.

A program does the job once for each line that it reads, and answers with the seconds that it took, on a line; when there are no more lines
it writes a last one. Its CPU time is that of every process that it started, and those started in turn, daemons too: they are known by a
variable of their environment (Linux).
"""

import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.environments import ROOT
from benchmarks.racing import Turn

_MARK = "HEADRACE_BENCH_PROGRAM"
_USED = slice(13, 17)
"""The fields of a process's `stat` with its own CPU time and that of its children that ended, in ticks."""


class Waiting:
    """A program that waits for its turn."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self._name, self._word = name, secrets.token_hex(8)
        environment = {**os.environ, _MARK: self._word}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(list(command), stdin=pipe, stdout=pipe, cwd=ROOT, env=environment, text=True)

    def turn(self) -> Turn:
        """Have it do the job once."""
        before = self._ticks()
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        seconds = float(self._line())
        return Turn(seconds, (self._ticks() - before) / os.sysconf("SC_CLK_TCK"))

    def last(self) -> str:
        """Tell it that there are no more turns; return its last word."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._line()

    def end(self) -> None:
        """Wait until it has ended, which it does when there are no more turns."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with {self._process.wait()}")
        return line

    def _ticks(self) -> int:
        return sum(_used(process) for process in _marked(f"{_MARK}={self._word}".encode()))


def _marked(mark: bytes) -> Iterator[Path]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                yield process
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended, or is another user's
            continue


def _used(process: Path) -> int:
    try:
        fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(each) for each in ["", "", *fields][_USED])
