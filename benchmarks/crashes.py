"""`python -m benchmarks.crashes [MOMENTS]`: kill -9 inside every step and at random moments (default 100) of a real run.

Each in a home of its own. The killed run is run again to its end, and what it leaves is compared with what an undisturbed run leaves:
fingerprints, versions, evaluations, looks at the test, gates, tables row by row, and the bundle byte by byte. Prints one line a kill
that made a difference, and the counts. Exit code 1 if there was any.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.e2e import crashing


class Tally(NamedTuple):
    """How many runs were killed, how many had ended before, and which did not come out the same."""

    killed: int
    ended_before: int
    different: list[str]


def main(moments: int) -> int:
    """Kill, run again, compare; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="headrace-crashes-") as folder:
        root = Path(folder)
        reference = crashing.undisturbed(root)
        print(f"undisturbed: {len(reference.step_seconds)} steps in {reference.seconds:.1f} s", flush=True)
        inside = _told("inside steps", _in_steps(reference, root))
        at_random = _told("at random moments", _at_random(reference, root, moments))
    return 1 if inside.different or at_random.different else 0


def _told(where: str, tally: Tally) -> Tally:
    counts = f"{tally.killed} killed, {tally.ended_before} had ended before, {len(tally.different)} came out otherwise"
    print(f"{where}: {counts}", flush=True)
    return tally


def _in_steps(reference: crashing.Undisturbed, root: Path) -> Tally:
    different = []
    for step, seconds in reference.step_seconds.items():
        for point in crashing.POINTS:
            home = crashing.copy_of(reference, root / "killed")
            crashing.kill_in(home, step, point, seconds / 2)
            different += _compared(reference, home, f"{point} of {step}")
    return Tally(len(reference.step_seconds) * len(crashing.POINTS), 0, different)


def _at_random(reference: crashing.Undisturbed, root: Path, moments: int) -> Tally:
    """Kill so many runs; one that had ended before its moment came is not counted among them."""
    different, killed, seed = [], 0, 0
    while killed < moments:
        home, seconds = crashing.copy_of(reference, root / "killed"), crashing.random_seconds(reference, seed)
        killed += crashing.kill_after(home, seconds)
        different += _compared(reference, home, f"after {seconds:.2f} s")
        seed += 1
    return Tally(killed, seed - killed, different)


def _compared(reference: crashing.Undisturbed, home: Path, told: str) -> list[str]:
    crashing.run_to_the_end(home)
    found = crashing.differences(reference, home)
    for name, (expected, got) in found.items():
        print(f"killed {told}: {name} differs: {str(expected)[:300]} became {str(got)[:300]}", flush=True)
    shutil.rmtree(home.parent)
    return [told] if found else []


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
