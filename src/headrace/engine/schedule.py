"""Which step runs when: in threads, inputs first, as many at once as there are workers."""

import contextvars
import dataclasses
import functools
import queue
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from headrace.core.storage import named_fault
from headrace.engine.errors import RecordedFailure, StepExited, StepPanicked, StepTimedOut
from headrace.engine.graph import Graph, Output, Step, StepContext, as_json
from headrace.engine.observers import Outcome, StepEnd
from headrace.engine.options import ExecuteOptions

T = TypeVar("T")
Recorder = Callable[[Callable[[], Output]], Output]
"""Runs a piece of work and keeps a record of what it gave; or gives what is on record without running it."""
_NO_RECORDERS: Mapping[str, Recorder] = MappingProxyType({})

_GRACE_SECONDS = 0.3
THREAD_NAME = "step "
"""What the names of the threads begin with in which steps run."""


class RunStopped(BaseException):
    """The run, or this step of it, was told to stop. Not an Exception, so that nobody takes it for a step's failure."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Running:
    """A step at work: its thread, and when it began (monotonic)."""

    thread: threading.Thread
    began: float


class Schedule:
    """One execution of a graph: `settle_known`, then `run` once. `stop` may be called from any thread.

    A thread cannot be ended from outside. A step that is over its time has failed from then on: it is told so when it next reports, what
    it gives all the same is not kept, and nobody waits for it.
    """

    def __init__(self, graph: Graph, options: ExecuteOptions) -> None:
        self._graph = graph
        self._options = options
        self._memo = options.memo
        self._limit = options.step_timeout.total_seconds() if options.step_timeout else float("inf")
        self._twins = graph.twins()
        self._ends: dict[str, StepEnd] = {}
        self._running: dict[str, _Running] = {}
        self._overdue: set[str] = set()
        self._ended: queue.SimpleQueue[StepEnd | None] = queue.SimpleQueue()
        self._outside = threading.Lock()
        self._stopping = threading.Event()
        self._broken: BaseException | None = None

    def settle_known(self) -> bool:
        """Settle the steps that the memo knows; return whether any are left.

        Raises:
            Exception: what an observer raised.
        """
        for step in self._graph.steps.values():
            output = self._memo.find(step.fingerprint)
            if output is not None:
                self._settle(StepEnd(step.name, step.fingerprint, Outcome.REUSED, 0.0, output))
        if self._broken is not None:
            raise self._broken
        return len(self._ends) < len(self._graph.steps)

    def run(self, recorders: Mapping[str, Recorder] = _NO_RECORDERS) -> None:
        """Run every step that is left, each with its recorder; what a step without one gave is kept by the memo alone.

        Raises:
            RunStopped: if told to stop.
            Exception: what an observer raised, after the steps that were running have ended.
        """
        self._start_ready(recorders)
        while self._running:
            end = self._next_end()
            if end.step in self._overdue and not isinstance(end.error, StepTimedOut):
                continue  # it came to an end after all, too late
            del self._running[end.step]
            self._settle(end)
            if self._broken is None:
                self._start_ready(recorders)
        if self._broken is not None:
            raise self._broken

    def stop(self) -> None:
        """Start nothing more, end the steps that report, and wait a moment for the others."""
        self._stopping.set()
        self._ended.put(None)
        deadline = time.monotonic() + _GRACE_SECONDS
        for running in tuple(self._running.values()):
            running.thread.join(max(0.0, deadline - time.monotonic()))

    def ends_in_order(self) -> Mapping[str, StepEnd]:
        """How the steps ended, in the graph's order."""
        return MappingProxyType({name: self._ends[name] for name in self._graph.names if name in self._ends})

    def _next_end(self) -> StepEnd:
        """Wait for a step's end; a step that is over its time ends here."""
        while True:
            name, running = min(self._running.items(), key=lambda each: each[1].began)
            left = running.began + self._limit - time.monotonic()
            try:
                end = self._ended.get(timeout=None if left == float("inf") else max(0.0, left))
            except queue.Empty:
                return self._give_up(name)
            if end is None or self._stopping.is_set():
                raise RunStopped
            return end

    def _give_up(self, name: str) -> StepEnd:
        with self._outside:
            self._overdue.add(name)
        assert self._options.step_timeout is not None
        error = StepTimedOut(name, self._options.step_timeout)
        return StepEnd(name, self._graph.steps[name].fingerprint, Outcome.FAILED, self._limit, error=error)

    def _start_ready(self, recorders: Mapping[str, Recorder]) -> None:
        for name, step in self._graph.steps.items():
            if name in self._ends or name in self._running:
                continue
            twin = self._twins.get(name)
            needs = [self._ends.get(need) for need in (*step.inputs, *((twin,) if twin else ()))]
            if any(end is not None and end.output is None for end in needs):
                self._settle(StepEnd(name, step.fingerprint, Outcome.SKIPPED, 0.0))
            elif None in needs:
                continue
            elif twin:
                self._settle(StepEnd(name, step.fingerprint, Outcome.REUSED, 0.0, self._ends[twin].output))
            elif len(self._running) < self._options.workers:
                self._start(step, recorders.get(name, _unrecorded))

    def _start(self, step: Step, recorder: Recorder) -> None:
        inputs = MappingProxyType({name: self._ends[name].output or {} for name in step.inputs})
        context = StepContext(inputs, self._reporter(step.name), self._options.run_id, step.name)
        # The recorder finds its run by context variables, which a new thread does not inherit.
        run_here = contextvars.copy_context().run
        # A daemon, so that an interrupted process need not wait for it.
        thread = threading.Thread(
            target=run_here, args=(self._work, step, context, recorder), name=f"{THREAD_NAME}{step.name}", daemon=True
        )
        thread.start()
        self._running[step.name] = _Running(thread, time.monotonic())

    def _work(self, step: Step, context: StepContext, recorder: Recorder) -> None:
        started: list[float] = []

        def attempt() -> Output:
            if not started:
                self._tell("step_started", step.name)
                started.append(time.perf_counter())
            return as_json(step.name, self._shielded(step, context))

        def attempts() -> Output:
            return self._patiently(step.name, attempt)

        output, error = None, None
        try:
            try:
                output = recorder(attempts)
            except RecordedFailure:
                # The process was killed before it could tell of the failure. What failed then may work now.
                output = attempts()
            self._patiently(step.name, functools.partial(self._keep, step, output))
        except RunStopped:
            return
        except Exception as raised:  # noqa: BLE001 - whatever a step raises is its end, told by the one who waits for it
            output, error = None, named_fault(raised, self._options.home)
        seconds = time.perf_counter() - started[0] if started else 0.0
        outcome = Outcome.FAILED if error else Outcome.DONE if started else Outcome.REUSED
        self._ended.put(StepEnd(step.name, step.fingerprint, outcome, seconds, output, error))

    def _keep(self, step: Step, output: Output) -> None:
        with self._outside:
            self._check_told_to_stop(step.name)
            self._memo.save(step.fingerprint, step.name, output)

    def _patiently(self, name: str, work: Callable[[], T]) -> T:
        def wait(seconds: float) -> None:
            self._stopping.wait(seconds)
            self._check_told_to_stop(name)

        return self._options.patience.try_again(work, wait)

    def _check_told_to_stop(self, name: str) -> None:
        if self._stopping.is_set() or name in self._overdue:
            raise RunStopped

    def _shielded(self, step: Step, context: StepContext) -> Output:
        try:
            return step.run(context)
        except (Exception, RunStopped):
            raise
        except (SystemExit, KeyboardInterrupt) as error:
            raise StepExited(step.name, error) from error
        except BaseException as error:  # a panic of a library written in Rust, such as Polars: its thread would end without a word
            raise StepPanicked(step.name, error) from error

    def _reporter(self, name: str) -> Callable[[float, float | None, str], None]:
        def report(done: float, total: float | None = None, unit: str = "") -> None:
            self._check_told_to_stop(name)
            self._tell("step_progress", name, done, total, unit)

        return report

    def _settle(self, end: StepEnd) -> None:
        self._ends[end.step] = end
        self._tell("step_finished", end)

    def _tell(self, event: str, *facts: object) -> None:
        with self._outside:
            for observer in self._options.observers:
                try:
                    self._options.patience.try_again(functools.partial(getattr(observer, event), *facts), self._stopping.wait)
                except BaseException as error:  # noqa: BLE001 - an observer's failure is not the step's: it is raised when the run has wound down
                    self._broken = self._broken or error


def _unrecorded(work: Callable[[], Output]) -> Output:
    return work()
