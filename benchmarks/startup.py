"""How long start-up takes: `import headrace` over the bare interpreter, `headrace --help`, and a second `headrace run` of flights.

Every figure is the median of several processes, and the bare interpreter runs among them, so that a busy machine slows both.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.report import Line, as_json, table, versions

FLIGHTS = Path(__file__).resolve().parents[1] / "examples" / "flights"
BARE = (sys.executable, "-c", "pass")
IMPORT = (sys.executable, "-c", "import headrace")
NAMES = (sys.executable, "-c", "import headrace as hr; hr.Events, hr.Features, hr.window, hr.Model, hr.Project")
HELP = (sys.executable, "-m", "headrace", "--help")
RUN = (sys.executable, "-m", "headrace", "run", "--project", str(FLIGHTS / "project.py"))
IMPORT_BOUND_MS, HELP_BOUND_MS, RUN_BOUND_SECONDS = 150, 300, 2


@dataclass(frozen=True)
class Startup:
    """Medians of wall time, in milliseconds."""

    bare_ms: float
    import_ms: float
    names_ms: float
    help_ms: float
    second_run_ms: float | None

    @property
    def import_over_bare_ms(self) -> float:
        """What `import headrace` adds to the interpreter."""
        return self.import_ms - self.bare_ms


def measure(home: Path | None, repeats: int = 11) -> Startup:
    """Time each command `repeats` times, in turns; without a home, the second run of flights is left out."""
    taken: dict[Sequence[str], list[float]] = {BARE: [], IMPORT: [], NAMES: [], HELP: []}
    for _ in range(repeats):
        for command, times in taken.items():
            times.append(timed(command))
    medians = [statistics.median(times) for times in taken.values()]
    return Startup(*medians, None if home is None else second_run_ms(home))


def second_run_ms(home: Path) -> float:
    """Run flights once, then time the runs that find nothing to do."""
    environment = {**os.environ, "HEADRACE_HOME": str(home)}
    timed(RUN, environment)
    return statistics.median(timed(RUN, environment) for _ in range(3))


def timed(command: Sequence[str], environment: dict[str, str] | None = None) -> float:
    """Return the milliseconds that a process takes from its start to its end."""
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return (time.perf_counter() - started) * 1000


def lines(home: Path) -> list[Line]:
    """Return the measurements as lines of a table."""
    return _lines_of(measure(home))


def _lines_of(found: Startup) -> list[Line]:
    over = found.import_over_bare_ms
    told = [
        Line("start-up", "bare interpreter", f"{found.bare_ms:.0f} ms"),
        Line("start-up", "import headrace, over the bare interpreter", f"{over:.0f} ms", f"< {IMPORT_BOUND_MS} ms", over < IMPORT_BOUND_MS),
        Line("start-up", "import headrace and the names that describe a project", f"{found.names_ms - found.bare_ms:.0f} ms"),
        Line("start-up", "headrace --help", f"{found.help_ms:.0f} ms", f"< {HELP_BOUND_MS} ms", found.help_ms < HELP_BOUND_MS),
    ]
    if found.second_run_ms is not None:
        seconds = found.second_run_ms / 1000
        told.append(
            Line("start-up", "second headrace run of flights", f"{seconds:.2f} s", f"< {RUN_BOUND_SECONDS} s", seconds < RUN_BOUND_SECONDS)
        )
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--repeats", type=int, default=11, help="processes a command")
    parser.add_argument("--without-run", action="store_true", help="leave out the second run of flights: its first takes a minute")
    parser.add_argument("--home", type=Path, help="a home in which flights ran already; default: a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        home = None if arguments.without_run else arguments.home or Path(folder)
        found = measure(home, arguments.repeats)
    if arguments.json:
        print(as_json(asdict(found) | {"import_over_bare_ms": found.import_over_bare_ms}))
        return
    print(versions("headrace", "msgspec", "typer"))
    print(table(_lines_of(found)))


if __name__ == "__main__":
    main()
