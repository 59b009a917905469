"""Run in a process of its own: `log_runs.py FOLDER COUNT`. Runs with 20 parameters, 20 metrics and one artifact in a ledger and a lake.

Recorded as `headrace run` does it: the start with its details, the artifact as a blob, then the step with the evaluation and its
metrics, and the end; each a transaction with its row in the hash-chained audit.
"""

import json
import sys
import time
from pathlib import Path

started = time.perf_counter()

from headrace.core.clock import SystemClock  # noqa: E402
from headrace.core.ids import new_id  # noqa: E402
from headrace.lake.lake import Lake  # noqa: E402
from headrace.ledger import evaluations, runs  # noqa: E402
from headrace.ledger.evaluations import Metric, NewEvaluation  # noqa: E402
from headrace.ledger.runs import NewRun, Step  # noqa: E402
from headrace.ledger.store import Ledger  # noqa: E402


def log(ledger: Ledger, lake: Lake, number: int, artifact: bytes) -> None:
    parameters = {f"param_{each}": f"{number}-{each}" for each in range(20)}
    metrics = tuple(Metric(f"metric_{each}", number + each / 7) for each in range(20))
    with ledger.write("ana", "run.start") as session:
        run = runs.start(session, NewRun(project="benchmark", details=parameters))
    blob = lake.blobs.put(artifact)
    with ledger.write("ana", "step.record") as session:
        step = Step(
            run_id=run.id, name="train", fingerprint=new_id("f", session.now), state="done", finished=session.now, output={"blob": blob}
        )
        runs.record_step(session, step)
        new = NewEvaluation(run_id=run.id, model="late", candidate="linear", split="test", rows=1, rows_fingerprint="r", metrics=metrics)
        evaluations.record(session, new)
    with ledger.write("ana", "run.finish", run.id) as session:
        runs.finish(session, run.id)


folder, count = Path(sys.argv[1]), int(sys.argv[2])
artifact = bytes(range(256)) * 40
taken = []
with Ledger.open(folder / "ledger.db", SystemClock()) as ledger:
    lake = Lake((folder / "lake").as_uri(), "benchmark")
    for number in range(count):
        begun = time.perf_counter()
        log(ledger, lake, number, artifact + number.to_bytes(4, "big"))
        taken.append(time.perf_counter() - begun)
        if number == 0:
            first = time.perf_counter() - started
print(json.dumps({"first": first, "each": taken[1:]}))
