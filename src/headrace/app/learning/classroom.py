"""A learner taken up from the store, or begun: it asks and learns step by step, each of them one commit."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from headrace.app.learning.asking import Asking, AtOnce
from headrace.app.learning.desk import Desk, Step
from headrace.app.learning.facts import TESTED_FROM, TRAINED_BEFORE, moment_in
from headrace.app.learning.keeping import forget_all, read_files
from headrace.app.learning.lessons import Lessons, Span
from headrace.app.learning.progress import Progress, learning_mark, read_progress
from headrace.app.learning.rows import SpineRows, positions_by_partition
from headrace.app.scoring.champion import Champion
from headrace.app.streaming.partitions import joined
from headrace.core.moments import microseconds
from headrace.features.stores.contract import Commit, StateStore
from headrace.ledger.models import ModelVersion
from headrace.training.online.learner import Learner
from headrace.training.online.restoring import restored

_SAVE_SECONDS = 10.0


@dataclass
class Learnt:
    """What a worker's learner did since the worker began: rows learnt, how many of these without a score, and versions recorded."""

    learned: int = 0
    unasked: int = 0
    versions: int = 0
    newest: str = ""


class Classroom:
    """One learner as one worker has it. Once a commit of its failed it is of no use: another is opened from the store."""

    def __init__(self, parent: Champion, rows: SpineRows, done: Learnt, at_once: AtOnce | None = None) -> None:
        self.parent, self._rows, self._done = parent, rows, done
        self._store, self._every_us = rows.store, rows.learning.every_us
        self._lessons, self._asking = Lessons(parent), Asking(parent, rows.lake, rows.store, at_once or AtOnce())
        self.desk = _opened(self._store, rows.learning.model.name, parent.version)
        self._learner = _learner(self._store, parent, self.desk.model)
        self._saved = time.monotonic()
        self._take(whole=True)

    def learn(self, until_us: int, go_on: Callable[[], bool]) -> bool:
        """Do what belongs before a moment, as long as `go_on` says so; return whether that is done as far as it can be now.

        Raises:
            MarkMoved: if another worker learns.
            StoreFault, LakeFault: if one of them fails.
        """
        self._take(whole=False)
        while self.desk.progress.clock_us < until_us:
            end = self.desk.end_of_step(until_us, self._every_us)
            if self.desk.is_idle(end, self._every_us):
                self.desk = self.desk.moved(end)
            elif not self._step(end, until_us):
                break
            if not go_on():
                return self.desk.progress.clock_us >= until_us
        if time.monotonic() - self._saved >= _SAVE_SECONDS:  # the clock holds rows in the state
            self._commit(*self.desk.saved())
        return True

    @property
    def waiting(self) -> int:
        """How many rows were asked about and wait for their answer."""
        return sum(each.height for each in self.desk.waiting.rows)

    def _take(self, *, whole: bool) -> None:
        positions = positions_by_partition(self._store, self._rows.plan.spine)
        self.desk = self.desk.with_rows(self._rows.take(positions, self.desk.wanted, whole=whole))

    def _step(self, end_us: int, until_us: int) -> bool:
        """Do what belongs before a moment; False: the state that it needs is not whole yet."""
        desk = self.desk
        asked = desk.due(end_us)
        features = self._asking.features(asked, lambda: desk.due(until_us))
        if features is None:
            return False
        span = Span(desk.progress.clock_us, end_us, desk.progress.scored_from_us)
        taught = self._lessons.give(self._learner, asked, features, desk.waiting.rows, span)
        names = self._lessons.features, self._lessons.given
        self._commit(*desk.stepped(taught, self._learner, Step(end_us, self._every_us, names)))
        self._done.learned += taught.learned
        self._done.unasked += taught.unasked
        return True

    def _commit(self, desk: Desk, commit: Commit) -> None:
        self._store.commit(commit)
        self.desk, self._saved = desk, time.monotonic()


def _opened(store: StateStore, model: str, parent: ModelVersion) -> Desk:
    """Return the desk as the store has it. One of another parent is cleared; its snapshots are on record."""
    _, (mark,) = store.read([], [learning_mark(model)])
    before = None if mark is None else read_progress(mark)
    if mark is None or before is None or before.parent != parent.number:
        progress = _begun(parent)
        old = Commit() if before is None else forget_all(store, model, before.snapshots + 1)
        begun = Commit(expect={learning_mark(model): mark}, marks={learning_mark(model): progress.to_bytes()})
        store.commit(joined(begun, old))
        mark, before = progress.to_bytes(), progress
    return Desk.opened(store, model, mark, msgspec.structs.replace(before, waits=False))


def _begun(parent: ModelVersion) -> Progress:
    began, tested = (moment_in(parent.details, name) for name in (TRAINED_BEFORE, TESTED_FROM))
    assert began is not None
    assert tested is not None
    began_us = microseconds(began)
    return Progress(parent=parent.number, began_us=began_us, scored_from_us=microseconds(tested), clock_us=began_us, since_us=began_us)


def _learner(store: StateStore, parent: Champion, model: str) -> Learner:
    artifact, files = parent.bundle.artifact, read_files(store, model)
    return restored(parent.version.candidate, msgspec.structs.replace(artifact, files=files) if files else artifact)
