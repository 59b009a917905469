"""The flights example, run once for all benchmarks of a process that need its tables and its model."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FLIGHTS = Path(__file__).resolve().parents[1] / "examples" / "flights" / "project.py"


@functools.cache
def flights_home() -> Path:
    """Return a home in which flights ran and its model was approved; HEADRACE_BENCH_HOME names one that is there already."""
    if given := os.environ.get("HEADRACE_BENCH_HOME"):
        return Path(given)
    home = Path(tempfile.mkdtemp(prefix="headrace-flights-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    for user, arguments in (("ana", ["run"]), ("ben", ["approve", "late", "--comment", "for the benchmark"])):
        command = [sys.executable, "-m", "headrace", *arguments, "--project", str(FLIGHTS)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **environment_of(home), "HEADRACE_USER": user})
    return home


def environment_of(home: Path) -> dict[str, str]:
    """What to add to the environment to work in a home."""
    return {"HEADRACE_HOME": str(home), "HEADRACE_USER": "ana"}
