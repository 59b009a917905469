"""`POST /predict`, one row a request, against FastAPI with a scikit-learn pipeline, MLServer and `mlflow models serve`.

Every server has one core and one process, wrk the other core. The peers serve a logistic regression over six columns of the row;
ours is trained by `headrace run` over the same and logs every prediction to the lake, which the peers do not. Beside it, for ourselves,
gradient boosting over the same columns, and the flights example with its eleven lookups. All servers are up all the time and asked in
turns; a ratio is taken in each turn, and what is told is the median.
"""

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import plain_flights
from benchmarks.environments import PEERS, PeerMissing, peer, peer_versions
from benchmarks.flights import FLIGHTS, environment_of, flights_home
from benchmarks.load import Load, Served, environment, free_port, load, start
from benchmarks.questions import flights_rows
from benchmarks.report import Line, table, versions

OURS, TREES, LOOKUPS = "headrace", "headrace, gradient boosting", "headrace, flights with 11 lookups"
FASTAPI, MLSERVER, MLFLOW = "FastAPI + scikit-learn", "MLServer", "mlflow models serve"
CONCURRENCIES = (1, 16)
TURNS, SECONDS = 3, 3
RATE_BOUND, MLFLOW_BOUND = 15_000, 100
_QUESTIONS = 2000
_ASKED_AT = datetime(2013, 12, 20, 17, tzinfo=UTC)
_HEADRACE = (sys.executable, "-m", "headrace")


def headrace_plain(folder: Path, candidate: str, name: str) -> Served:
    """Train and serve a model of our own over the rows in a folder."""
    project, home = plain_flights.write_project(folder, candidate), folder / f"home-{candidate}"
    options = {"env": environment(HEADRACE_HOME=str(home)), "cwd": folder}
    subprocess.run([*_HEADRACE, "run", "--project", str(project)], check=True, capture_output=True, **options)
    port = free_port()
    bodies = plain_flights.as_plain(plain_flights.questions(_QUESTIONS))
    return start(name, [*_HEADRACE, "serve", "--project", str(project), "--port", str(port)], port, "/predict", bodies, **options)


def headrace_flights() -> Served:
    """Serve the flights example as of a moment of its data."""
    port = free_port()
    command = [*_HEADRACE, "serve", "--project", str(FLIGHTS), "--port", str(port), "--as-of", _ASKED_AT.isoformat()]
    bodies = plain_flights.as_plain(flights_rows(_ASKED_AT + timedelta(hours=2), _QUESTIONS))
    return start(LOOKUPS, command, port, "/predict", bodies, env=environment(**environment_of(flights_home())))


def fastapi(folder: Path) -> Served:
    made, port = peer("fastapi"), free_port()
    command = [made.python, str(PEERS / "serve_fastapi.py"), str(folder / "rows.csv"), str(port)]
    return start(FASTAPI, command, port, "/predict", plain_flights.as_plain(plain_flights.questions(_QUESTIONS)), env=environment())


def mlserver(folder: Path) -> Served:
    made, port, place = peer("mlserver"), free_port(), folder / "mlserver"
    place.mkdir()
    subprocess.run(
        [made.python, str(PEERS / "save_mlserver.py"), str(folder / "rows.csv"), str(place), str(port)], check=True, capture_output=True
    )
    bodies = plain_flights.as_inference(plain_flights.questions(_QUESTIONS))
    return start(
        MLSERVER, [made.tool("mlserver"), "start", str(place)], port, "/v2/models/late/infer", bodies, env=environment(), cwd=place
    )


def mlflow(folder: Path) -> Served:
    made, port, place = peer("mlflow"), free_port(), folder / "mlflow"
    subprocess.run([made.python, str(PEERS / "save_mlflow.py"), str(folder / "rows.csv"), str(place)], check=True, capture_output=True)
    options = ["-m", str(place), "--env-manager", "local", "--workers", "1", "-p", str(port)]
    path = f"{Path(made.python).parent}{os.pathsep}{os.environ['PATH']}"
    bodies = plain_flights.as_records(plain_flights.questions(_QUESTIONS))
    return start(MLFLOW, [made.tool("mlflow"), "models", "serve", *options], port, "/invocations", bodies, env=environment(PATH=path))


PEERS_SERVED: dict[str, Callable[[Path], Served]] = {FASTAPI: fastapi, MLSERVER: mlserver, MLFLOW: mlflow}


@contextlib.contextmanager
def all_served(folder: Path) -> Iterator[tuple[list[Served], dict[str, str]]]:
    """Start every server; give those that answer, and of each that could not be had the reason."""
    plain_flights.write_rows(folder)
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        servers = []
        for served in (headrace_plain(folder, "Logistic", OURS), headrace_plain(folder, "GradientBoosting", TREES), headrace_flights()):
            stack.callback(served.stop)
            servers.append(served)
        for name, begin in PEERS_SERVED.items():
            try:
                served = begin(folder)
            except (PeerMissing, RuntimeError, subprocess.CalledProcessError) as reason:
                missing[name] = str(getattr(reason, "stderr", None) or reason)[-200:]
                continue
            stack.callback(served.stop)
            servers.append(served)
        yield servers, missing


def measure(servers: list[Served], turns: int, seconds: int) -> dict[tuple[str, int], list[Load]]:
    """Ask all servers in turns, each with one connection and with sixteen."""
    found: dict[tuple[str, int], list[Load]] = {(served.name, each): [] for served in servers for each in CONCURRENCIES}
    for served in servers:
        load(served, 16, 1)  # nobody's first second counts
    for _ in range(turns):
        for concurrency in CONCURRENCIES:
            for served in servers:
                found[served.name, concurrency].append(load(served, concurrency, seconds))
    return found


def lines(folder: Path, turns: int = TURNS, seconds: int = SECONDS) -> list[Line]:
    """Return the measurements as lines of a table."""
    if shutil.which("taskset") is None or (os.cpu_count() or 1) < 2:
        return [Line("serving", "not measured: it takes two cores and the command taskset of util-linux", "")]
    try:
        with all_served(folder) as (servers, missing):
            found = measure(servers, turns, seconds)
    except PeerMissing as reason:
        return [Line("serving", f"not measured: {reason}", "")]
    told = [line for served in servers for line in _lines_of(served.name, found)]
    return told + [Line("serving", f"{name}: not measured", reason) for name, reason in missing.items()]


def _lines_of(name: str, found: dict[tuple[str, int], list[Load]]) -> list[Line]:
    told = []
    for concurrency in CONCURRENCIES:
        loads = found[name, concurrency]
        rate = statistics.median(each.rate for each in loads)
        cpu, p99 = statistics.median(each.cpu_us for each in loads), statistics.median(each.p99_ms for each in loads)
        bound, held = "", None
        if name == OURS and concurrency == 16:
            bound, held = f">= {RATE_BOUND:,}/s", rate >= RATE_BOUND
        value = f"{rate:,.0f}/s, p99 {p99:.1f} ms, {cpu:,.0f} us of CPU each"
        told.append(Line("serving", f"{name}, {concurrency} at a time", value, bound, held))
        if name in PEERS_SERVED:
            ratio = statistics.median(ours.rate / theirs.rate for ours, theirs in zip(found[OURS, concurrency], loads, strict=True))
            judged = name == MLFLOW and concurrency == 16
            told.append(
                Line(
                    "serving", f"headrace over {name}, {concurrency} at a time", f"{ratio:,.1f} x",
                    f">= {MLFLOW_BOUND} x" if judged else "", ratio >= MLFLOW_BOUND if judged else None,
                )
            )  # fmt: skip
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each load")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        told = lines(Path(folder), arguments.turns, arguments.seconds)
    print(versions("headrace", "uvicorn", "uvloop", "lightgbm"))
    print(peer_versions())
    print(table(told))


if __name__ == "__main__":
    main()
