"""Run in a process of its own: `noop_steps.py FOLDER`. Ten steps in a row that do nothing, by the engine, known to a ledger."""

import sys
from pathlib import Path

from headrace.core.clock import SystemClock
from headrace.core.fingerprints import fingerprint
from headrace.engine.execution import ExecuteOptions, execute
from headrace.engine.graph import Graph, Output, Step
from headrace.ledger import memo
from headrace.ledger.store import Ledger


class LedgerMemo:
    """What ended before, as the ledger has it."""

    def __init__(self, ledger: Ledger, fingerprints: list[str]) -> None:
        self._ledger = ledger
        with ledger.read() as session:
            self._known = memo.find_many(session, fingerprints)

    def find(self, step: str) -> Output | None:
        return self._known.get(step)

    def save(self, step: str, name: str, output: Output) -> None:
        with self._ledger.write("ana", "memo.save") as session:
            memo.save(session, step, name, output)


def steps() -> list[Step]:
    made: list[Step] = []
    for number in range(10):
        before = made[-1:]
        inputs = tuple(step.name for step in before)
        made.append(Step(f"step_{number}", fingerprint("noop", number), inputs, lambda _context: {"done": True}))
    return made


folder = Path(sys.argv[1])
graph = Graph(steps())
with Ledger.open(folder / "ledger.db", SystemClock()) as ledger:
    known = LedgerMemo(ledger, [step.fingerprint for step in graph.steps.values()])
    result = execute(graph, ExecuteOptions(run_id="run_1", memo=known))
print(len(result.ran), "ran")
