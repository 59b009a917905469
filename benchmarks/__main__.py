"""Run every benchmark and print a table of each. Leaves with 1 if a promised bound did not hold."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks import (
    features,
    knowledge_time,
    law,
    ledger_size,
    logging_runs,
    lookups,
    online_features,
    online_learning,
    parity_flights,
    ray_features,
    serving,
    startup,
    steps,
    stores,
    stream_speed,
    tables,
)
from benchmarks.environments import peer_versions
from benchmarks.large import measuring as large
from benchmarks.report import Line, machine, table, versions

BENCHMARKS = {
    "startup": startup.lines,
    "steps": steps.lines,
    "logging": logging_runs.lines,
    "ledger_size": ledger_size.lines,
    "features": features.lines,
    "joins": lookups.joins,
    "windows": lookups.windows,
    "stream_speed": stream_speed.lines,
    "online_features": online_features.lines,
    "online_learning": online_learning.lines,
    "parity": parity_flights.lines,
    "law": law.lines,
    "ray_features": ray_features.lines,
    "serving": serving.lines,
    "knowledge_time": knowledge_time.lines,
    "tables": tables.lines,
    "stores": stores.lines,
    "large": large.lines,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run: {', '.join(BENCHMARKS)}; default: all")
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    missed = False
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
            measured = alone(name, Path(folder))
        print(table(measured), flush=True)
        missed |= any(line.held is False for line in measured)
    print(versions("headrace", "polars", "lightgbm", "msgspec"))
    print(machine())
    print(peer_versions())
    sys.exit(missed)


def alone(name: str, folder: Path) -> Sequence[Line]:
    """Run a benchmark in a process of its own: what one held in memory would count as held by the programs that the next one starts."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(BENCHMARKS[name], folder).result()


if __name__ == "__main__":
    main()
