"""The worker: one loop over the tables that it follows, until it is told to stop or nothing is left to do."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext, suppress
from dataclasses import dataclass
from threading import Event

from headrace.app.errors import NotAStream, NothingToStream
from headrace.app.learning.learner import LearningMeans, StreamLearner
from headrace.app.scoring.scorer import Means, Scorer
from headrace.app.store import claim_lake, lake_of
from headrace.app.stream_reports import LearntLine, ScoredLine, StreamedLine, StreamProgress, StreamReport
from headrace.app.streamed import find_streamed, streamed_tables
from headrace.app.streaming.around import Around
from headrace.app.streaming.counting import Counts
from headrace.app.streaming.following import Following
from headrace.app.streaming.groups import needed_groups
from headrace.app.streaming.metrics import metrics_served
from headrace.app.streaming.opening import open_state
from headrace.app.streaming.patience import Patience, ToldToStop
from headrace.app.streaming.presence import Presence
from headrace.app.workspace import Workspace
from headrace.core.errors import HeadraceError, SystemFault
from headrace.core.moments import moment_of
from headrace.features.stores.contract import StateStore
from headrace.features.stores.errors import StoreFault
from headrace.ingest.stream.messages import Surroundings
from headrace.ledger import tables as ledger_tables
from headrace.ledger.store import hurried
from headrace.spec.tables import Entity, Events

_POLL_SECONDS = 0.2
_TELL_SECONDS = 1.0
_TRY_LAKE_SECONDS = 5.0
_LEDGER_SECONDS = 1.0
"""How long a turn waits for a ledger that is away: rows come meanwhile, and the next turns try again."""


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """How a worker works.

    Attributes:
        tables: those that it follows; none: all that are streamed.
        until_idle_seconds: it ends when it has listened for so long and nothing came; None: it goes on.
        once: it ends when it has taken what the sources have.
        metrics_port: where Prometheus may scrape, on loopback; None: nowhere.
        flush_seconds, flush_bytes: what waits for the lake is brought there when it has waited so long, or is so much.
        most_waiting_bytes: nothing more is taken while so much waits.
    """

    tables: tuple[str, ...] = ()
    until_idle_seconds: float | None = None
    once: bool = False
    metrics_port: int | None = None
    flush_seconds: float = 60.0
    flush_bytes: int = 64 << 20
    most_waiting_bytes: int = 256 << 20


@dataclass(frozen=True)
class Watching:
    """Who watches a worker: `progress` is told about every second how it stands, `say` now and then a line; `stop` ends it."""

    progress: Callable[[StreamProgress], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    stop: Event = Event()  # noqa: RUF009  the worker that nobody can stop needs none of its own


def stream(workspace: Workspace, options: StreamOptions, watching: Watching) -> StreamReport:
    """Follow streamed tables until it is to end; what was taken is committed, and brought into the lake as far as that is there.

    Raises:
        NothingToStream: if there is no such table.
        NotAStream: if one holds rows that were not streamed.
        ContractBroken: if a row breaks a rule whose severity is `stop`: everything before its micro-batch is kept.
        SourceUnreachable, SourceRefused, SourceChanged: as the source says.
        StreamedRowsLost: if the lake lacks rows that it had.
    """
    tables = _tables(workspace, options.tables)
    claim_lake(workspace)
    with workspace.secrets.kept_out_of_errors():
        store = open_state(workspace)
        try:
            return _Worker(workspace, store, tables, options, watching).run()
        finally:
            store.close()


def _tables(workspace: Workspace, wanted: Sequence[str]) -> list[Events | Entity]:
    known = {table.name: table for table in streamed_tables(workspace.project)}
    for name in wanted:
        if name not in known:
            raise NothingToStream(name, known)
    if not known:
        raise NothingToStream(None, known)
    found = [table for name, table in known.items() if not wanted or name in wanted]
    for table in found:
        with workspace.ledger.read() as session:
            recorded = ledger_tables.latest(session, workspace.project.name, table.name)
        if recorded is not None and find_streamed(workspace, table) is None:
            raise NotAStream(table.name, table.location)
    return found


class _Worker:
    def __init__(
        self, workspace: Workspace, store: StateStore, tables: Sequence[Events | Entity], options: StreamOptions, watching: Watching
    ) -> None:
        self._workspace, self._store, self._options, self._watching = workspace, store, options, watching
        self._started = time.monotonic()
        self._silent_seconds = 0.0
        self._told = self._tried_lake = self._flushed = float("-inf")
        self._paused = False
        self._notes: list[str] = []
        self._missing: tuple[str, ...] = ()
        self._told_missing = ""
        self._patience = Patience(self._say, watching.stop.is_set, meanwhile=self._breathe)
        self._presence = Presence(store, workspace.clock)
        surroundings = Surroundings(workspace.root, workspace.secrets, workspace.clock, stopping=watching.stop.is_set, heard=self._go_on)
        lake, followed = lake_of(workspace), [table.name for table in tables]
        means = Means(workspace, lake, store, self._patience, self._say, self._has_ended, self._regroup)
        scorings = (each for each in workspace.project.scorings if each.model.features.spine.name in followed)
        self._scorers = [Scorer(each, means) for each in scorings]
        taught = LearningMeans(workspace, lake, store, self._patience, self._say, self._partitions_of)
        learnings = (each for each in workspace.project.learnings if each.model.features.spine.name in followed)
        self._learners = [StreamLearner(each, taught) for each in learnings]
        askers = {name: [each for each in self._scorers if each.spine == name] for name in followed}
        around = Around(workspace, lake, store, self._patience, surroundings, self._regroup, askers, self._tell)
        self._followings = [Following(table, around) for table in tables]

    def run(self) -> StreamReport:
        with metrics_served(self._options.metrics_port, self._counts, self._say, self._scored, self._learnt):
            try:
                with suppress(ToldToStop):
                    self._begin()
                    with hurried(_LEDGER_SECONDS):
                        while not self._is_over():
                            self._turn()
            except BaseException:
                self._leave(quietly=True)
                raise
            self._leave()
        return self._report()

    def _begin(self) -> None:
        self._patience.until_done(self._presence.begin)
        self._regroup()
        for each in self._scorers:
            each.open()
            each.look(at_once=True)
        for learner in self._learners:
            learner.begin()

    def _turn(self) -> None:
        came, begun = 0, time.monotonic()
        for number, each in enumerate(self._followings):
            waits = not came and number == len(self._followings) - 1
            came += each.take_some(_POLL_SECONDS if waits else 0)
            each.sweep()
        listened = min(time.monotonic() - begun, _POLL_SECONDS)  # state that was filled meanwhile is no silence of the sources
        self._silent_seconds = 0.0 if came else self._silent_seconds + listened
        self._answer()
        self._flush_if_due(time.monotonic())
        if self._presence.is_due:
            self._patience.until_done(lambda: self._presence.renew({each.table.name: each.partitions for each in self._followings}))
        self._tell()

    def _go_on(self, _: int) -> None:
        self._patience.go_on()
        self._tell()

    def _tell(self) -> None:
        moment = time.monotonic()
        if moment - self._told >= _TELL_SECONDS:
            self._told = moment
            self._watching.progress(
                StreamProgress(seconds=moment - self._started, tables=self._lines(), models=self._scored(), learners=self._learnt())
            )

    def _answer(self) -> None:
        for each in self._scorers:
            each.look()
            each.answer()
        for learner in self._learners:
            learner.learn()

    def _is_over(self) -> bool:
        options = self._options
        if self._watching.stop.is_set() or all(each.ended for each in self._followings):
            return True
        if options.once and all(each.caught_up for each in self._followings):
            return True
        idle = options.until_idle_seconds
        return idle is not None and self._silent_seconds >= idle

    def _flush_if_due(self, moment: float) -> None:
        waiting = sum(each.waiting_bytes for each in self._followings)
        waits = [each.waiting_since for each in self._followings]
        waits += [*(each.waiting_since for each in self._scorers), *(each.waiting_since for each in self._learners)]
        # What still waits after a flush waits for somebody else: it is tried again as if it had just come.
        since = max(min((found for found in waits if found is not None), default=moment), self._flushed)
        is_due = moment - since >= self._options.flush_seconds or waiting >= self._options.flush_bytes
        if is_due and moment - self._tried_lake >= _TRY_LAKE_SECONDS:
            self._flush(moment)
        is_full = sum(each.waiting_bytes for each in self._followings) >= self._options.most_waiting_bytes
        if is_full and not self._paused:
            self._say("nothing more is taken until what waits is in the lake")
        for each in self._followings:
            each.pause() if is_full else each.resume()
        self._paused = is_full

    def _flush(self, moment: float) -> bool:
        try:
            for each in self._followings:
                each.flush()
            for scorer in self._scorers:
                scorer.deliver()
            for learner in self._learners:
                learner.record()
        except SystemFault as fault:  # what waits is in the store; it is tried again, and this said once
            self._tried_lake = moment
            self._patience.away(fault)
            return False
        self._tried_lake, self._flushed = float("-inf"), moment
        self._patience.back()
        if self._missing:
            with suppress(ToldToStop):  # what it was to fill is filled by the next
                self._regroup()
        return True

    def _leave(self, *, quietly: bool = False) -> None:
        """Bring what waits into the lake and leave the sources. `quietly`: another error is on its way."""
        self._patience.meanwhile = lambda: None
        with suppress(HeadraceError) if quietly else nullcontext(), ExitStack() as leaving:
            if self._watching.stop.is_set():
                leaving.enter_context(hurried(_LEDGER_SECONDS))
            leaving.callback(self._take_leave)
            for each in self._followings:
                leaving.callback(each.close)  # whatever fails: a group waits long for a member that is gone without a word
            for scorer in self._scorers:
                # Before them, while the partitions are ours.
                leaving.callback(scorer.close, at_once=self._watching.stop.is_set())
            for each in self._followings:
                each.look_again()
                self._notes += [f"{each.table.name}: {each.counts.trouble}"] if each.counts.trouble else []
            if not quietly:
                with suppress(ToldToStop):  # a champion that has just come may need state: the next worker fills it
                    self._answer()
                for learner in self._learners:
                    learner.learn(whole=True)
            if not self._flush(time.monotonic()):
                self._notes.append("what waits for the lake is kept in the online state, and brought there the next time")

    def _take_leave(self) -> None:
        with suppress(StoreFault):  # whoever looks sees that there was no sign for a while
            self._presence.end()

    def _regroup(self) -> None:
        """Find out which groups models need, as far as the tables' columns are known."""
        needed = needed_groups(self._workspace, {each.table.name: each.types for each in self._followings if each.types})
        for each in self._followings:
            if each.types:
                each.use(needed.layouts.get(each.table.name, ()), needed.functions, complete=not needed.missing)
        followed = {each.table.name for each in self._followings}
        others = ", ".join(name for name in needed.missing if name not in followed)
        if others and others != self._told_missing:
            self._say(f"the columns of {others} are not known yet: the state of models that need them is made after headrace run")
            self._told_missing = others
        self._missing = needed.missing

    def _partitions_of(self, table: str) -> tuple[int, ...]:
        return next((each.partitions for each in self._followings if each.table.name == table), ())

    def _has_ended(self, table: str) -> bool:
        return any(each.table.name == table and each.ended for each in self._followings)

    def _breathe(self) -> None:
        for each in self._followings:
            each.breathe()

    def _say(self, words: str) -> None:
        words = self._workspace.secrets.redact(words)
        self._notes.append(words)
        self._watching.say(words)

    def _counts(self) -> dict[str, Counts]:
        return {each.table.name: each.counts for each in self._followings}

    def _lines(self) -> list[StreamedLine]:
        return [_line(name, counts) for name, counts in self._counts().items()]

    def _scored(self) -> list[ScoredLine]:
        return [each.line() for each in self._scorers]

    def _learnt(self) -> list[LearntLine]:
        return [each.line() for each in self._learners]

    def _report(self) -> StreamReport:
        seconds = time.monotonic() - self._started
        notes = [*self._notes, *(words for each in self._followings for words in each.remarks)]
        return StreamReport(seconds=seconds, tables=self._lines(), models=self._scored(), learners=self._learnt(), notes=notes)


def _line(name: str, counts: Counts) -> StreamedLine:
    return StreamedLine(
        table=name,
        events=counts.events,
        accepted=counts.accepted,
        late=counts.late,
        duplicates=counts.duplicates,
        quarantined=counts.quarantined,
        flushed=counts.flushed,
        behind=counts.behind,
        watermark=None if counts.watermark_us is None else moment_of(counts.watermark_us),
        trouble=counts.trouble,
        filled=None if counts.filled is None else list(counts.filled),
    )
