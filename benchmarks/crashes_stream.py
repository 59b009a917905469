"""`python -m benchmarks.crashes_stream [KILLS]`: kill -9 of the worker of streams (default 60 times), in homes of ten kills each.

Each kill is at a random one of the points at which something becomes known to others, on either side of it. What is left when the worker
has come to its end is compared with what an undisturbed one leaves: table, late rows, quarantine, position, counts, and features answered
from the state. In every other home two workers come to the end at once, and the state's store is removed before; where a worker had died
between the lake and the ledger then, the count of duplicates goes with it. Prints a line a home.
Exit code 1 if anything differs.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.e2e import stream_crashing

_A_HOME = 10


def main(kills: int) -> int:
    """Kill, go on, compare; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="headrace-crashes-") as folder:
        root = Path(folder)
        reference = stream_crashing.write_project(root / "undisturbed")
        print(f"undisturbed: {stream_crashing.run_worker(reference)} points", flush=True)
        expected, killed, different, number = stream_crashing.facts(reference), 0, 0, 0
        while killed < kills:
            number += 1
            home = stream_crashing.write_project(root / str(number), reference)
            times = stream_crashing.kill_often(home, _A_HOME, seed=number)
            counted = number % 2 == 0 or stream_crashing.is_on_record(home)
            if number % 2:
                shutil.rmtree(home.parent / ".headrace" / "stream")
                stream_crashing.run_workers(home, 2)
            else:
                stream_crashing.run_worker(home)
            left = [expected, stream_crashing.facts(home)]
            found = stream_crashing.differences(*(left if counted else map(stream_crashing.without_duplicates, left)))
            killed, different = killed + times, different + bool(found)
            told = ", ".join(found) or "nothing"
            print(f"home {number}: {times} killed; {told} differs{'' if counted else ' but the duplicates'}", flush=True)
            for name, (before, after) in found.items():
                print(f"  {name}: {str(before)[:300]} became {str(after)[:300]}", flush=True)
        print(f"{killed} killed in {number} homes; {different} came out otherwise", flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
