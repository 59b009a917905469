"""Who watches steps: progress for people, the meter of costs, the record of the run."""

import dataclasses
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import Any, Protocol

from headrace.engine.graph import Output


class Outcome(StrEnum):
    """How a step ended."""

    DONE = "done"
    REUSED = "reused"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclasses.dataclass(frozen=True, slots=True)
class StepEnd:
    """The end of a step. `output` is there when done or reused, `error` when failed; `seconds` is 0 where nothing ran."""

    step: str
    fingerprint: str
    outcome: Outcome
    seconds: float
    output: Output | None = None
    error: Exception | None = None

    @property
    def summary(self) -> str:
        """The step's own words for people, or the error's first line, or nothing."""
        if self.error is not None:
            return (str(self.error).splitlines() or [type(self.error).__name__])[0]
        return str((self.output or {}).get("summary", ""))


class Observer(Protocol):
    """Is told of every step, one call at a time however many steps run.

    `step_started` comes only for steps that run; `step_finished` comes once for every step of the graph, reused and skipped ones too.
    An observer that raises ends the run with its error, after the steps that are running.
    """

    def step_started(self, step: str) -> None:
        """A step is about to run."""
        ...

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        """A running step tells how far it is."""
        ...

    def step_finished(self, end: StepEnd) -> None:
        """A step has ended."""
        ...


def shown(observer: Observer | None) -> AbstractContextManager[Any]:
    """Return what shows an observer while a `with` lasts: itself where it is a display, else nothing."""
    return observer if isinstance(observer, AbstractContextManager) else nullcontext()
