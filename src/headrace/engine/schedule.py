"""Which step runs when: in threads, inputs first, as many at once as there are workers."""

import contextvars
import dataclasses
import functools
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TypeVar

from headrace.core.errors import SystemFault
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
    """A step at work: its thread, and when it began (monotonic). Steps that are carried out together have one thread."""

    thread: threading.Thread
    began: float


@dataclasses.dataclass(slots=True)
class _Work:
    """A step on its way: when it was told that it began, and what it gave in company, or what kept the company from giving anything."""

    step: Step
    context: StepContext
    recorder: Recorder
    began: float | None = None
    output: Output | None = None
    fault: SystemFault | None = None


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
            twin, needs = self._twins.get(name), self._needs(step)
            if any(end is not None and end.output is None for end in needs):
                self._settle(StepEnd(name, step.fingerprint, Outcome.SKIPPED, 0.0))
            elif None in needs:
                continue
            elif twin:
                self._settle(StepEnd(name, step.fingerprint, Outcome.REUSED, 0.0, self._ends[twin].output))
            elif len({each.thread for each in self._running.values()}) < self._options.workers:
                self._start(self._chosen(step), recorders)

    def _needs(self, step: Step) -> list[StepEnd | None]:
        """How the steps ended, as far as they did, that come before a step."""
        twin = self._twins.get(step.name)
        return [self._ends.get(need) for need in (*step.inputs, *((twin,) if twin else ()))]

    def _chosen(self, step: Step) -> list[Step]:
        """Return a step that can begin, and those of its company that are to be carried out with it."""
        company = step.company
        if company is None:
            return [step]
        ready = {step.name: step}
        for name, each in self._graph.steps.items():
            begun = name in self._ends or name in self._running or name in self._twins
            if each.company is company and not begun and all(end and end.output is not None for end in self._needs(each)):
                ready[name] = each
        chosen = company.choose({name: self._context(each) for name, each in ready.items()}) if len(ready) > 1 else [step.name]
        return [each for name, each in ready.items() if name in chosen]

    def _start(self, steps: Sequence[Step], recorders: Mapping[str, Recorder]) -> None:
        works = [_Work(step, self._context(step), recorders.get(step.name, _unrecorded)) for step in steps]
        # The recorder finds its run by context variables, which a new thread does not inherit.
        run_here = contextvars.copy_context().run
        # A daemon, so that an interrupted process need not wait for it.
        thread = threading.Thread(target=run_here, args=(self._work, works), name=f"{THREAD_NAME}{steps[0].name}", daemon=True)
        thread.start()
        self._running |= dict.fromkeys((step.name for step in steps), _Running(thread, time.monotonic()))

    def _context(self, step: Step) -> StepContext:
        inputs = MappingProxyType({name: self._ends[name].output or {} for name in step.inputs})
        return StepContext(inputs, self._reporter(step.name), self._options.run_id, step.name)

    def _work(self, works: Sequence[_Work]) -> None:
        with suppress(RunStopped):
            if len(works) > 1:
                self._carry_out_together(works)
            for work in works:
                self._ended.put(self._end_of(work))

    def _carry_out_together(self, works: Sequence[_Work]) -> None:
        company, first = works[0].step.company, works[0].step.name
        assert company is not None
        for work in works:
            self._begin(work)
        run = functools.partial(company.run, {work.step.name: work.context for work in works})
        try:
            outputs = self._patiently(first, functools.partial(self._shielded, first, run))
        except StepPanicked:
            return
        except SystemFault as fault:
            for work in works:
                work.fault = fault
        except Exception:  # noqa: BLE001 - one of them cannot be carried out: alone it will fail again, and no other
            return
        else:
            for work in works:
                work.output = outputs.get(work.step.name)

    def _end_of(self, work: _Work) -> StepEnd:
        """Carry out a step, unless that was done in company, and have it recorded and kept."""
        step = work.step

        def attempt() -> Output:
            self._begin(work)
            output = self._shielded(step.name, functools.partial(step.run, work.context)) if work.output is None else work.output
            return as_json(step.name, output)

        def attempts() -> Output:
            return self._patiently(step.name, attempt)

        output, error = None, None
        try:
            if work.fault is not None:
                raise work.fault
            try:
                output = work.recorder(attempts)
            except RecordedFailure:
                # The process was killed before it could tell of the failure. What failed then may work now.
                output = attempts()
            self._patiently(step.name, functools.partial(self._keep, step, output))
        except Exception as raised:  # noqa: BLE001 - whatever a step raises is its end, told by the one who waits for it
            output, error = None, named_fault(raised, self._options.home)
        seconds = time.perf_counter() - work.began if work.began is not None else 0.0
        outcome = Outcome.FAILED if error else Outcome.DONE if work.began is not None else Outcome.REUSED
        return StepEnd(step.name, step.fingerprint, outcome, seconds, output, error)

    def _begin(self, work: _Work) -> None:
        if work.began is None:
            self._tell("step_started", work.step.name)
            work.began = time.perf_counter()

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

    def _shielded(self, name: str, run: Callable[[], T]) -> T:
        try:
            return run()
        except (Exception, RunStopped):
            raise
        except (SystemExit, KeyboardInterrupt) as error:
            raise StepExited(name, error) from error
        except BaseException as error:  # a panic of a library written in Rust, such as Polars: its thread would end without a word
            raise StepPanicked(name, error) from error

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
