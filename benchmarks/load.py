"""Load on a server: wrk on one core, the server on the other, and what the server took of its own."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import wrk

_TICKS = os.sysconf("SC_CLK_TCK")
_SCRIPT = """local asked, number = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    number = number + 1
    asked[number] = wrk.format("POST", args[2], {["Content-Type"] = "application/json"}, line)
  end
end
local place = 0
function request()
  place = place % number + 1
  return asked[place]
end
"""


@dataclass(frozen=True)
class Served:
    """A server under test: one answered question has shown that it is ready."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    path: str
    bodies: Sequence[str]

    def cpu_seconds(self) -> float:
        """What it has used so far, its children included."""
        return sum(_seconds(pid) for pid in _group(self.process.pid))

    def stop(self) -> None:
        """End it, and whoever it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass(frozen=True)
class Load:
    """Requests a second, the 99th percentile in milliseconds, and microseconds of the server's CPU a request."""

    rate: float
    p99_ms: float
    cpu_us: float


def start(name: str, command: Sequence[str], port: int, path: str, bodies: Sequence[str], **options: object) -> Served:
    """Start a server on the first core and wait until it answers.

    Raises:
        RuntimeError: with the end of what it printed, if it ends or does not answer.
    """
    log = tempfile.TemporaryFile()  # noqa: SIM115 - the server writes to it as long as it lives
    process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=log, stderr=log, start_new_session=True, **options)
    served = Served(name, process, port, path, bodies)
    try:
        _await_answer(served)
    except RuntimeError as error:
        log.seek(0)
        served.stop()
        raise RuntimeError(f"{name} does not answer: {error}: {log.read()[-400:].decode(errors='replace')}") from None
    return served


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def load(served: Served, concurrency: int, seconds: int) -> Load:
    """Ask as fast as the answers come, each connection the next of the bodies."""
    with tempfile.TemporaryDirectory() as folder:
        script, bodies = Path(folder) / "ask.lua", Path(folder) / "bodies"
        script.write_text(_SCRIPT, encoding="utf-8")
        bodies.write_text("\n".join(served.bodies) + "\n", encoding="utf-8")
        options = ["-t1", f"-c{concurrency}", f"-d{seconds}s", "--latency", "--timeout", "30s", "-s", str(script)]
        before = served.cpu_seconds()
        command = ["taskset", "-c", "1", wrk(), *options, f"http://127.0.0.1:{served.port}", "--", str(bodies), served.path]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        used = served.cpu_seconds() - before
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(f"{served.name} refused questions: {told[-300:]}")
    count = int(_found(r"(\d+) requests in", told))
    return Load(float(_found(r"Requests/sec:\s+([\d.]+)", told)), _milliseconds(_found(r"\n +99% +(\S+)", told)), used / count * 1e6)


def ask(served: Served, body: str) -> bytes:
    """Ask once."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{served.port}{served.path}", body.encode(), {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return answer.read()


def environment(**changes: str) -> Mapping[str, str]:
    """Return this process's environment with one thread a library: the server has one core."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **changes}


def _await_answer(served: Served) -> None:
    deadline, reason = time.monotonic() + 120, "nothing heard"
    while time.monotonic() < deadline:
        if served.process.poll() is not None:
            raise RuntimeError(f"it ended with {served.process.returncode}")
        try:
            ask(served, served.bodies[0])
        except OSError as error:
            reason = str(error)
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(reason)


def _group(leader: int) -> list[int]:
    """The processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[3]) == leader:
            found.append(int(folder.name))
    return found


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"wrk told something else than expected: {text[-300:]}")
    return match[1]


def _milliseconds(text: str) -> float:
    for unit, size in (("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * size
    raise RuntimeError(f"a duration that is none: {text}")
