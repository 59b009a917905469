"""The law of streams over many random streams: batch over the accepted rows = the state's answers, many at once and one at a time.

It is the law of tests/properties/test_streams.py, of which CI tries 2,000 examples. `python -m benchmarks.law [EXAMPLES]` tries 100,000
unless told otherwise, which takes some two hours on two cores: parts of 2,500, a seed each, as many side by side as there are cores.
"""

import math
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.report import Line, table

EXAMPLES, PART, IN_CI = 100_000, 2_500, 2_000
_TESTS = Path(__file__).resolve().parents[1] / "tests" / "properties" / "test_streams.py"
_LAW = "test_the_state_answers_as_batch_does_over_the_accepted_rows"


def lines(folder: Path, examples: int = EXAMPLES) -> list[Line]:
    """Return one line; what a part that failed printed, its example included, goes to stderr."""

    def run(seed: int) -> bool:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}", f"{_TESTS}::{_LAW}"]
        environment = {**os.environ, "HEADRACE_EXAMPLES": str(PART / IN_CI), "PYTEST_DEBUG_TEMPROOT": str(folder)}
        done = subprocess.run(command, env=environment, cwd=_TESTS.parents[2], capture_output=True, text=True, check=False)
        held = done.returncode == 0
        print(f"part {seed} of {parts}: {'held' if held else done.stdout + done.stderr}", file=sys.stderr, flush=True)
        return held

    parts = math.ceil(examples / PART)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        broken = list(pool.map(run, range(1, parts + 1))).count(False)
    return [Line("law", f"{parts * PART:,} random streams: parts of {PART:,} with a mismatch", str(broken), "0", broken == 0)]


def main(examples: int) -> int:
    """Try the law; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        told = lines(Path(folder), examples)
    print(table(told))
    return 0 if all(line.held for line in told) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES))
