"""Trials by an executor's tasks: each fits and judges one set of parameters.

The encoded rows wait in the scratch, and a worker keeps those of the search that it last worked for, with what trials share, such as
LightGBM's bins. What a trial made waits there too, and only the best one's is fetched.
"""

import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.features.shared import Opened, Shared
from headrace.models.artifact import Artifact, ModelColumn
from headrace.training.budget import Budget, Caps
from headrace.training.dataset import Dataset, EncodedRows
from headrace.training.judging import Judging
from headrace.training.moments import Moments
from headrace.training.spreading import Spread
from headrace.training.trainer import Parameters, Progress, Trainer
from headrace.training.tuning import Tried, try_once

_ARRAYS = ("train.matrix", "train.target", "validation.matrix", "validation.target")
_MOMENTS = ("train.asked", "train.known")


class KeptDataset(msgspec.Struct, frozen=True):
    """A dataset but for its arrays, which lie beside it."""

    task: str
    columns: tuple[ModelColumn, ...]
    classes: tuple[str, ...]
    has_moments: bool


class TrialTask(msgspec.Struct, frozen=True):
    """One trial, within what is left of its search's caps; `memory` is what the trial before left."""

    shared: Shared
    judging: Judging
    parameters: dict[str, float | int]
    memory: bytes | None
    caps: Caps
    search: str
    number: int

    @property
    def name(self) -> str:
        """Where what it makes is left."""
        return f"{self.search}/trials/{self.number}"


class SpreadWork:
    """A `Work` whose trials are tasks."""

    def __init__(self, spread: Spread, judging: Judging, dataset: Dataset) -> None:
        self._spread, self._judging = spread, judging
        self._memory: bytes | None = None
        self._made = 0
        self._search = uuid.uuid4().hex  # no other search's, on whichever lake: workers keep what they have under it
        with spread.shared.opened() as opened:
            _keep(opened, self._search, dataset)

    def each(self, sets: Sequence[Parameters], budget: Budget, progresses: Sequence[Progress]) -> Iterator[Tried]:
        """See `Work.each`."""
        tasks = []
        for parameters in sets:
            left = (self._memory, budget.left(), self._search, self._made)
            tasks.append(TrialTask(self._spread.shared, self._judging, dict(parameters), *left))
            self._made += 1
        done = self._spread.executor.each(try_somewhere, tasks, lambda: progresses[0](0.0, "at work"))
        for progress, tried in zip(progresses, done, strict=True):
            self._memory = tried.memory
            progress(1.0, f"judged {tried.value:.5f}")
            yield tried

    def artifact(self, tried: Tried) -> Artifact:
        """See `Work.artifact`."""
        with self._spread.shared.opened() as opened:
            return msgspec.msgpack.decode(opened.scratch.get(tried.kept), type=Artifact)


_ready: dict[str, tuple[Trainer, Callable[[Artifact], float], bytes]] = {}
"""The search that this worker last worked for: its trainer, its judge, and the memory that it began with."""


def try_somewhere(task: TrialTask) -> Tried:
    """Make one trial, and leave its artifact in the scratch."""
    with task.shared.opened() as opened:
        if task.search not in _ready:
            _ready.clear()
            dataset = _dataset(opened, task.search)
            trainer = task.judging.trainer(dataset)
            _ready[task.search] = trainer, partial(task.judging.judge, dataset), trainer.memory
        trainer, judge, first = _ready[task.search]
        trainer.memory = first if task.memory is None else task.memory
        tried = try_once(trainer, judge, task.parameters, Budget(task.caps), _unheard)
        opened.scratch.put(task.name, msgspec.msgpack.encode(tried.artifact))
        return msgspec.structs.replace(tried, artifact=None, kept=task.name)


def _unheard(share: float, line: str) -> None:
    """Tell nobody: the process that asked hears of whole trials."""


def _keep(opened: Opened, search: str, dataset: Dataset) -> None:
    header = KeptDataset(dataset.task, dataset.columns, dataset.classes, dataset.moments is not None)
    opened.scratch.put(f"{search}/header", msgspec.msgpack.encode(header))
    arrays = (dataset.train.matrix, dataset.train.target, dataset.validation.matrix, dataset.validation.target)
    for name, array in zip(_ARRAYS, arrays, strict=True):
        _put(opened, f"{search}/{name}", array)
    if dataset.moments is not None:
        for name, moments in zip(_MOMENTS, (dataset.moments.asked, dataset.moments.known), strict=True):
            _put(opened, f"{search}/{name}", moments)


def _put(opened: Opened, name: str, array: NDArray[Any]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    opened.scratch.put(name, buffer.getvalue())


def _dataset(opened: Opened, search: str) -> Dataset:
    header = msgspec.msgpack.decode(opened.scratch.get(f"{search}/header"), type=KeptDataset)
    train, train_target, validation, validation_target = (_array(opened.scratch.get(f"{search}/{name}")) for name in _ARRAYS)
    return Dataset(
        task=header.task,
        columns=header.columns,
        classes=header.classes,
        train=EncodedRows(train, train_target),
        validation=EncodedRows(validation, validation_target),
        moments=Moments(*(_array(opened.scratch.get(f"{search}/{name}")) for name in _MOMENTS)) if header.has_moments else None,
    )


def _array(data: bytes) -> NDArray[Any]:
    found: NDArray[Any] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return found
