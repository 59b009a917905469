"""Running a graph: what is known is reused, what is free runs in parallel, what fails stops only what needs it."""

import dataclasses
from collections.abc import Mapping

from headrace.engine.errors import DbosNotInstalled, StepFailed
from headrace.engine.graph import Graph, Output
from headrace.engine.here import run_here
from headrace.engine.observers import Outcome, StepEnd
from headrace.engine.options import ExecuteOptions
from headrace.engine.schedule import Schedule


@dataclasses.dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended: one `StepEnd` a step, in the graph's order."""

    run_id: str
    ends: Mapping[str, StepEnd]

    @property
    def outputs(self) -> dict[str, Output]:
        """What each step gave, by name."""
        return {name: end.output for name, end in self.ends.items() if end.output is not None}

    @property
    def ran(self) -> tuple[str, ...]:
        """The steps that were not reused."""
        return tuple(name for name, end in self.ends.items() if end.outcome is Outcome.DONE)


def execute(graph: Graph, options: ExecuteOptions) -> RunResult:
    """Run what the memo does not know yet and return how every step ended.

    Of steps with equal fingerprints the first in the graph's order runs. An output goes through JSON before anyone downstream sees
    it, so that a step cannot tell a reused input from a fresh one. Steps run in threads that do not keep the process alive. With a
    shared store, one execution at a time in a process: another waits, and a step must not call this.

    Raises:
        DbosNotInstalled: if a shared store is to be used without it.
        StepFailed: if a step failed, after the steps that did not need it have finished.
        DurableStoreFault: if the store cannot be used.
        KeyboardInterrupt: soon after the key, without waiting for steps that do not report; the run can be continued.
    """
    schedule = Schedule(graph, options)
    if schedule.settle_known():
        _carry_out(schedule, graph, options)
    result = RunResult(options.run_id, schedule.ends_in_order())
    failures = {name: end.error for name, end in result.ends.items() if end.error is not None}
    if failures:
        raise StepFailed(failures, tuple(name for name, end in result.ends.items() if end.outcome is Outcome.SKIPPED))
    return result


def _carry_out(schedule: Schedule, graph: Graph, options: ExecuteOptions) -> None:
    if options.store_url is None:
        run_here(schedule)
        return
    # DBOS takes a second to import, and comes with headrace[postgres] only: a run on one machine must not pay for it.
    try:
        from headrace.engine.durable import DurableRun, run_durably
    except ModuleNotFoundError as error:
        if error.name != "dbos":
            raise
        raise DbosNotInstalled from error

    run_durably(DurableRun(options.run_id, graph.fingerprint, graph.names, options.store_url), schedule)
