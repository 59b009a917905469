"""The meter: what each step used.

A process has one total of CPU time and of bytes, while its steps run at the same time. The time between two events is an interval
in which the set of running steps does not change; what the process used in it is split evenly among them, the remainder going to
the earliest. So the parts add up, to the microsecond and the byte, to what the process used while any step ran.
"""

import threading
from collections.abc import Callable

from headrace.costs.readings import Reading, read_rss, read_totals
from headrace.costs.usage import Usage
from headrace.engine.observers import StepEnd

_SAMPLES_A_SECOND = 20


class Meter:
    """Watches the steps of a run (an engine's Observer). Thread safe.

    Put it before an observer that asks it: a step's usage is complete when its `step_finished` returns.
    """

    def __init__(self, read: Callable[[], Reading] = read_totals, rss: Callable[[], int | None] = read_rss) -> None:
        self._read = read
        self._rss = rss
        self._lock = threading.Lock()
        self._running: dict[str, Usage] = {}
        self._finished: dict[str, Usage] = {}
        self._last: Reading | None = None
        self._idle = threading.Event()

    def step_started(self, step: str) -> None:
        """Begin to count for a step."""
        with self._lock:
            self._advance()
            self._running[step] = Usage()
            if len(self._running) == 1:
                # One event a sampler: a new one must not be stopped by the end of the one before.
                self._idle = threading.Event()
                threading.Thread(target=self._sample, args=(self._idle,), name="meter", daemon=True).start()

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        """Nothing: progress uses nothing."""

    def step_finished(self, end: StepEnd) -> None:
        """End the count for a step; one that never ran used nothing."""
        with self._lock:
            if end.step not in self._running:
                return
            self._advance()
            self._finished[end.step] = self._running.pop(end.step)
            if not self._running:
                self._idle.set()
                self._last = None

    def find(self, step: str) -> Usage | None:
        """Return what a finished step used, or None if it did not run."""
        with self._lock:
            return self._finished.get(step)

    def usages(self) -> dict[str, Usage]:
        """Return what each finished step used."""
        with self._lock:
            return dict(self._finished)

    def _advance(self) -> None:
        """Split what was used since the last reading among the steps that are running."""
        now, last = self._read(), self._last
        self._last = now
        if last is None or not self._running:
            return
        held = self._rss()
        wall_us, count = now.wall_us - last.wall_us, len(self._running)
        for index, (step, usage) in enumerate(self._running.items()):
            self._running[step] = usage + Usage(
                _share(now.cpu_us - last.cpu_us, count, index),
                wall_us,
                _share(held * wall_us, count, index) if held is not None else None,
                held,
                _share_between(last.read_bytes, now.read_bytes, count, index),
                _share_between(last.written_bytes, now.written_bytes, count, index),
            )

    def _sample(self, idle: threading.Event) -> None:
        while not idle.wait(1 / _SAMPLES_A_SECOND):
            with self._lock:
                if not idle.is_set():
                    self._advance()


def _share(amount: int, count: int, index: int) -> int:
    whole, left = divmod(amount, count)
    return whole + (index < left)


def _share_between(last: int | None, now: int | None, count: int, index: int) -> int | None:
    return None if last is None or now is None else _share(now - last, count, index)
