"""Bootstrap samples by an executor's tasks, some of the resamples each.

A resample is what the generator gives after those before it, so a task draws those, too, and does not measure on them: to draw rows takes a
small part of the time that it takes to measure ten metrics on them. So the numbers are those of one process.
"""

import itertools
from collections.abc import Callable

import msgspec
import numpy as np

from headrace.engine.executor import Executor
from headrace.features.shared import Shared
from headrace.training.evaluation import Sampling, ScoredRows

_TASKS_A_SLOT = 2


class KeptRows(msgspec.Struct, frozen=True):
    """Scored rows as bytes."""

    task: str
    threshold: float
    target: bytes
    scores: bytes
    shape: tuple[int, ...]

    @classmethod
    def of(cls, rows: ScoredRows) -> "KeptRows":
        """Return the rows as bytes."""
        return cls(rows.task, rows.threshold, rows.target.tobytes(), rows.scores.tobytes(), rows.scores.shape)

    def rows(self) -> ScoredRows:
        """Return them as they were."""
        scores = np.frombuffer(self.scores, np.float64).reshape(self.shape)
        return ScoredRows(task=self.task, target=np.frombuffer(self.target, np.float64), scores=scores, threshold=self.threshold)


class KeptSampling(msgspec.Struct, frozen=True):
    """A `Sampling` as bytes."""

    rows: KeptRows
    against: KeptRows | None
    metrics: tuple[str, ...]
    seed: int
    level: float


class SampleTask(msgspec.Struct, frozen=True):
    """Measure on some of the resamples of a sampling that is kept under a name."""

    shared: Shared
    name: str
    first: int
    last: int


class SpreadSampler:
    """A `Sampler` whose resamples are shared out. Thread safe; `heard` is called meanwhile."""

    def __init__(self, executor: Executor, shared: Shared, heard: Callable[[], object]) -> None:
        self._executor, self._shared, self._heard = executor, shared, heard
        self._numbers = itertools.count()

    def __call__(self, what: Sampling) -> dict[str, list[float]]:
        """Measure on every resample."""
        name = f"samplings/{next(self._numbers)}"
        against = None if what.against is None else KeptRows.of(what.against)
        kept = KeptSampling(KeptRows.of(what.rows), against, what.metrics, what.seed, what.level)
        with self._shared.opened() as opened:
            opened.scratch.put(name, msgspec.msgpack.encode(kept))
        step = -(-what.replicates // (self._executor.slots * _TASKS_A_SLOT))
        firsts = range(0, what.replicates, step)
        tasks = [SampleTask(self._shared, name, first, min(first + step, what.replicates)) for first in firsts]
        parts = list(self._executor.each(sample_some, tasks, self._heard))
        return {metric: [value for part in parts for value in part[metric]] for metric in what.metrics}


def sample_some(task: SampleTask) -> dict[str, list[float]]:
    """Measure on some of the resamples."""
    with task.shared.opened() as opened:
        kept = msgspec.msgpack.decode(opened.scratch.get(task.name), type=KeptSampling)
        against = None if kept.against is None else kept.against.rows()
        what = Sampling(rows=kept.rows.rows(), against=against, metrics=kept.metrics, seed=kept.seed, level=kept.level)
        return what.draws(range(task.first, task.last))
