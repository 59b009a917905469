"""One declared learning as this worker does it: while it has the first partition of the spine it learns for all of them."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from headrace.app.errors import BytesFreed
from headrace.app.learning.classroom import Classroom, Learnt
from headrace.app.learning.keeping import PendingSnapshot, drop_snapshot, learner_space, pending_snapshots, whole_snapshot
from headrace.app.learning.parent import find_parent, is_described
from headrace.app.learning.progress import learning_mark, let_rows_go
from headrace.app.learning.recording import RecordedSnapshot, record
from headrace.app.learning.rows import SpineRows, positions_by_partition
from headrace.app.models import label
from headrace.app.recorded_types import recorded_types
from headrace.app.scoring.champion import Champion, is_newest, load_champion, positions_of
from headrace.app.stream_reports import LearntLine
from headrace.app.streamed import streamed_tables
from headrace.app.streaming.partitions import joined
from headrace.app.streaming.patience import Patience
from headrace.app.streaming.unused import Kept
from headrace.app.workspace import Workspace
from headrace.core.errors import SystemFault
from headrace.core.moments import microseconds
from headrace.core.units import counted
from headrace.engine.errors import StepFailed
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.errors import MarkMoved
from headrace.features.stream.positions import table_watermark
from headrace.lake.lake import Lake
from headrace.spec.learning import Learning

_CHECK_SECONDS = 10.0
_AGAIN_SECONDS = 60.0
_TURN_SECONDS, _MOST_SECONDS = 2.0, 1.0
"""How often it is looked for what is to be learnt, and about how long it is learnt before the sources are heard again."""


@dataclass(frozen=True)
class LearningMeans:
    """What learning takes beside its declaration: `say` tells people a line, `partitions` are those of a table that this worker has."""

    workspace: Workspace
    lake: Lake
    store: StateStore
    patience: Patience
    say: Callable[[str], None]
    partitions: Callable[[str], Collection[int]]


class StreamLearner:
    """Has a model learn what comes, and its snapshots recorded. Whatever fails, it goes on from what the store has."""

    def __init__(self, learning: Learning, means: LearningMeans) -> None:
        self.learning, self.model, self.spine = learning, learning.model, learning.model.features.spine.name
        self._means = means
        self._parent: Champion | None = None
        self._loaded: Champion | None = None
        self._room: Classroom | None = None
        self._done = Learnt()
        self._kept = Kept(means.store, means.workspace.clock, means.patience)
        self._checked = self._turned = float("-inf")
        self._unseen: set[str] = set()
        self._faults: set[str] = set()
        self._told = ""
        self._since: float | None = None
        self._waits = False
        self._not_before = float("-inf")

    # What the worker asks.

    def line(self) -> LearntLine:
        """Return what was done since the beginning."""
        room = self._room
        return LearntLine(
            model=self.model.name,
            version=self._done.newest or (None if self._parent is None else label(self._parent.version)),
            learned=self._done.learned,
            unasked=self._done.unasked,
            waiting=0 if room is None else room.waiting,
            versions=self._done.versions,
        )

    @property
    def waiting_since(self) -> float | None:
        """Since when a snapshot waits to be recorded, by the monotonic clock."""
        return self._since

    def begin(self) -> None:
        """See which version is to be gone on from.

        Raises:
            LedgerUnreachable, LakeFault and what the bundle's place raises.
            LearnerNeedsExtra: if the library that the learner takes is not installed.
        """
        self._checked = time.monotonic()
        self._parent, words = self._chosen()
        self._tell(words)

    def learn(self, *, whole: bool = False) -> None:
        """Learn some of what can be learnt now; `whole`: all of it, unless the worker is to stop. What is away is tried again."""
        begun, patience = time.monotonic(), self._means.patience

        def go_on() -> bool:
            return not patience.stopping() and (whole or time.monotonic() - begun < _MOST_SECONDS)

        if not whole and begun - self._turned < _TURN_SECONDS:
            return
        done = True
        self._kept.renew(lambda: [learner_space(self.model.name)])  # before anything is learnt
        self._look()
        try:
            done = self._turn(go_on)
            if whole and self._room is None and self._since is not None:  # what was learnt before another version has to be on record first
                self.record()
                done = self._turn(go_on)
        except MarkMoved:  # another worker learns, or learnt
            self._room = None
        except SystemFault as fault:
            self._room = None
            self._faults.add(patience.away(fault))
        else:
            self._is_back(self._faults)
        self._turned = time.monotonic() if done else float("-inf")

    def record(self) -> None:
        """Have snapshots recorded as versions, the oldest first; while somebody else is at the project they wait.

        Raises:
            StoreFault, LakeFault and what the ledger raises: what waits, waits on.
        """
        if self._since is None or time.monotonic() < self._not_before or not self._is_ours():
            return
        try:
            for each in pending_snapshots(self._means.store, self.model.name):
                if self._means.patience.stopping() or not self._recorded(each):
                    return
        except StepFailed as failure:  # the run that failed is on record; what is wrong may be put right while rows come
            self._not_before = time.monotonic() + _AGAIN_SECONDS
            self._tell(f"no version of {self.model.name} could be made of what it learnt, which is kept and tried again: {failure.problem}")
            return
        except MarkMoved:  # another worker learns, and records
            self._room = None
        self._since = None

    def _look(self) -> None:
        """Now and then see which version is to be gone on from. While the ledger or the lake is away it is the one before."""
        if time.monotonic() - self._checked < _CHECK_SECONDS:
            return
        try:
            self.begin()
        except SystemFault as fault:
            self._unseen.add(self._means.patience.away(fault))
        else:
            self._is_back(self._unseen)

    def _is_back(self, faults: set[str]) -> None:
        if faults:
            self._means.patience.back(*faults)
            faults.clear()

    def _recorded(self, pending: PendingSnapshot) -> bool:
        """Record a snapshot, once, and forget it; False: it is to be tried again later."""
        means, name = self._means, learning_mark(self.model.name)
        _, (mark,) = means.store.read([], [name])
        drop = joined(Commit(expect={name: mark}), drop_snapshot(means.store, self.model.name, pending.number))
        try:
            recorded = record(means.workspace, self.model, whole_snapshot(means.store, self.model.name, pending))
        except StepFailed as failure:
            if self._parent is None or self._parent.version.number == pending.parent:
                raise
            means.store.commit(drop)  # another version is gone on from, maybe of another target: it must not wait for this one
            means.say(f"what {self.model.name} had learnt before {label(self._parent.version)} is dropped: {failure.problem}")
            return True
        if recorded is None:
            return False
        means.store.commit(drop)
        self._done.versions += 1
        self._done.newest = recorded.label
        means.say(_told(recorded))
        return True

    def _turn(self, go_on: Callable[[], bool]) -> bool:
        """Learn as long as `go_on` says so; return whether nothing is left that can be learnt now."""
        parent, until = self._parent, self._until()
        if parent is None or until is None or not self._is_ours():
            self._room = None
            self._let_rows_go()
            return True
        self._waits = False
        room = self._room
        if room is None or room.parent is not parent:
            room = self._room = self._opened(parent)
        if room is None:
            return True
        before = room.desk.progress.snapshots
        try:
            return room.learn(until, go_on)
        finally:
            if room.desk.progress.snapshots > before:
                self._since = self._since or time.monotonic()

    def _let_rows_go(self) -> None:
        """Hold nothing in the state while there is no version to go on from: that may take until the next run, or for ever."""
        if self._parent is None and not self._waits and self._is_ours():
            let_rows_go(self._means.store, self.model.name)
            self._waits = True

    def _opened(self, parent: Champion) -> Classroom | None:
        """Take the learner up, or begin one; None: snapshots of the one before are to be recorded first, or no column is known yet."""
        means, model = self._means, self.model.name
        pending, types = pending_snapshots(means.store, model), recorded_types(means.workspace)
        if pending:
            self._since = self._since or time.monotonic()
        if self.spine not in types or any(each.parent != parent.version.number for each in pending):
            return None
        task = parent.bundle.artifact.task
        rows = SpineRows(self.learning, parent.plan, task, types[self.spine], means.lake, means.store)
        return Classroom(parent, rows, self._done)

    def _chosen(self) -> tuple[Champion | None, str]:
        """Return the version that is to be gone on from, if there is one, and what people are told of it."""
        workspace, model, no = self._means.workspace, self.model, f"{self.model.name} does not learn"
        version = find_parent(workspace, model.name)
        if version is None:
            return None, f"{no} yet: no version of it learns by event. Train one: headrace run"
        if self._loaded is None or self._loaded.version.id != version.id or not is_newest(workspace, self._loaded):
            followed = [table.name for table in streamed_tables(workspace.project)]
            try:
                self._loaded = load_champion(workspace, self._means.lake, version, followed)
            except BytesFreed as freed:  # it was retired long ago: rows are followed all the same
                return None, f"{no}: {freed.problem} Train it anew: headrace run"
        if is_described(workspace, model, self._loaded.plan, version):
            return self._loaded, f"{model.name} learns what comes into {self.spine}, from {label(version)} on"
        return None, f"{no}: its features or its target are not those of {label(version)}. Train it: headrace run"

    def _until(self) -> int | None:
        """Return the moment before which all is known that the learner needs; None: there is none yet."""
        if self._parent is None:
            return None
        now = microseconds(self._means.workspace.clock.now())
        tables = dict.fromkeys([self.spine, *self._parent.dated])
        marks = [table_watermark(positions_of(self._means.store, table), now) for table in tables]
        reached = [each for each in marks if each is not None]
        return min(reached) - self.learning.behind_us if len(reached) == len(marks) else None

    def _is_ours(self) -> bool:
        """Tell whether this worker has the first partition of the spine: one worker learns for all of them."""
        known = positions_by_partition(self._means.store, self.spine)
        return bool(known) and min(known) in self._means.partitions(self.spine)

    def _tell(self, words: str) -> None:
        if words != self._told:
            self._told = words
            self._means.say(words)


def _told(recorded: RecordedSnapshot) -> str:
    value = "undefined" if recorded.value is None else f"{recorded.value:.4f}"
    return f"{recorded.label}, {recorded.state.replace('_', ' ')}: {recorded.metric} {value} on {counted(recorded.questions, 'question')}"
