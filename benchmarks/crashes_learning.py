"""`python -m benchmarks.crashes_learning [KILLS]`: kill -9 of a worker whose model learns (default 50 times), in homes of five kills each.

Each kill is at a random one of the points at which something becomes known to others, in the state, the lake or the ledger, on either side
of it. What is left when the worker has come to its end is compared with what an undisturbed one leaves: which versions there are, what each
was judged by, what each has learnt, byte by byte, and how far the learner is. Prints a line a home. Exit code 1 if anything differs.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.e2e import learning_crashing

_A_HOME = 5


def main(kills: int) -> int:
    """Kill, go on, compare; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="headrace-crashes-") as folder:
        root = Path(folder)
        trained = learning_crashing.write_trained(root / "trained")
        undisturbed = learning_crashing.copy_of(trained, root / "undisturbed")
        points = learning_crashing.run_worker(undisturbed)
        assert points is not None
        expected, killed, different, number = learning_crashing.facts(undisturbed), 0, 0, 0
        versions = sum(name.startswith("version") for name in expected)
        print(f"undisturbed: {points} points, {versions} versions", flush=True)
        while killed < kills:
            number += 1
            home = learning_crashing.copy_of(trained, root / "killed")
            times = learning_crashing.kill_often(home, _A_HOME, points // 3, seed=number)
            learning_crashing.run_worker(home)
            found = learning_crashing.facts(home)
            differing = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
            killed, different = killed + times, different + bool(differing)
            print(f"home {number}: {times} killed; {', '.join(differing) or 'nothing'} differs", flush=True)
            for name in differing:
                print(f"  {name}: {str(expected.get(name))[:300]} became {str(found.get(name))[:300]}", flush=True)
            shutil.rmtree(home.parent)
        print(f"{killed} killed in {number} homes; {different} came out otherwise", flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
