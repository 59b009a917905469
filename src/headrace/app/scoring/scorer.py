"""One declared scoring as this worker does it: its partitions come and go with those of the spine, and their questions are answered."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

import polars as pl

from headrace.app.appending import tend
from headrace.app.models import label
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.scoring.answers import Answers, made_answers, put_answers
from headrace.app.scoring.champion import Answered, Champion, find_champion, is_newest, load_champion, positions_of
from headrace.app.scoring.delivering import UNANSWERED, app_of, deliver_partition, last_number, tables_of
from headrace.app.scoring.outgoing import Outgoing, outgoing_space
from headrace.app.scoring.questions import AS_OF, Change, Piece, Questions, asked_space
from headrace.app.scoring.recovery import lost_questions, settled_arrivals
from headrace.app.scoring.sending import Sending, open_courier
from headrace.app.stream_reports import ScoredLine
from headrace.app.streamed import streamed_tables
from headrace.app.streaming.flushing import app_of as rows_app_of
from headrace.app.streaming.partitions import joined
from headrace.app.streaming.patience import Patience
from headrace.app.streaming.unused import Kept
from headrace.app.workspace import Workspace
from headrace.core.errors import SystemFault
from headrace.core.moments import microseconds
from headrace.features.stores.contract import Commit, Field, StateStore
from headrace.features.stores.errors import MarkMoved
from headrace.features.stream.positions import position_mark, read_position, table_watermark
from headrace.ingest.requests import ARRIVAL
from headrace.lake.lake import Lake
from headrace.spec.scoring import Scoring, ToTable

_MOST_AT_ONCE = 50_000
_CHECK_SECONDS = 10.0
_TEND_EVERY = 10


@dataclass(frozen=True)
class Means:
    """What scoring takes beside its declaration.

    Attributes:
        say: tells people a line.
        has_ended: whether nothing comes into a table any more, as far as this worker knows.
        regroup: makes the groups that the champions need now.
    """

    workspace: Workspace
    lake: Lake
    store: StateStore
    patience: Patience
    say: Callable[[str], None]
    has_ended: Callable[[str], bool]
    regroup: Callable[[], None]


def spaces_of(scoring: Scoring) -> list[str]:
    """Return the spaces of the online state by which it is known that there is something of a scoring."""
    outside = [each for each in scoring.to if not isinstance(each, ToTable)]
    return [asked_space(scoring.model.name), *(outgoing_space(scoring.model.name, each) for each in outside)]


class Scorer:
    """Satisfies `Asker` for the spine of its model."""

    def __init__(self, scoring: Scoring, means: Means) -> None:
        self.scoring, self.spine, self._means = scoring, scoring.model.features.spine.name, means
        self._questions = Questions(scoring.model.name)
        self._champion: Champion | None = None
        self._kept = Kept(means.store, means.workspace.clock, means.patience)
        self._checked = float("-inf")
        self._told = ""
        self._since: float | None = None
        self._deliveries = 0
        self._answered = self._refused = 0
        self._faults: set[str] = set()
        self._sendings: list[tuple[Outgoing, Sending]] = []
        self._settled: dict[int, pl.Series] = {}

    def open(self) -> None:
        """Begin to send to the targets outside.

        Raises:
            TargetNeedsExtra, SecretMissing, SpecError: if one cannot be sent to as it is declared.
        """
        outside = [each for each in self.scoring.to if not isinstance(each, ToTable)]
        for target, courier in [(each, open_courier(each, self._means.workspace)) for each in outside]:
            outgoing = Outgoing(self.scoring.model.name, target)
            self._sendings.append((outgoing, Sending(outgoing, courier, self._means.store)))

    def close(self, *, at_once: bool = False) -> None:
        """Send what waits, to targets that take it, and end; `at_once`: what takes more than a moment waits for the next worker.

        Doing it again changes nothing.
        """
        for _, sending in self._sendings:
            sending.close(at_once=at_once)
        self._tell_notes()
        self._sendings = []

    # What the table that is followed tells.

    def take_over(self, partition: int) -> None:
        """Go on with a partition's questions as the store has them."""
        means, scoring = self._means, self.scoring
        self._questions.take_over(means.store, partition, lambda: last_number(means.lake, scoring, partition) + 1)
        self._ask_what_was_lost(partition)
        self._ask_nothing_twice(partition)
        for outgoing, sending in self._sendings:
            outgoing.take_over(means.store, partition)
            sending.wake()
        self._since = self._since or time.monotonic()  # whoever had it may have left answers

    def let_go(self, partitions: Collection[int]) -> None:
        """Leave partitions to others."""
        self._questions.let_go(partitions)
        for partition in partitions:
            self._settled.pop(partition, None)
        for outgoing, _ in self._sendings:
            outgoing.let_go(partitions)

    def ask(self, partition: int, rows: pl.DataFrame) -> Change:
        """Return what makes accepted rows questions, unless they come again and have their answers."""
        settled = self._settled.get(partition)
        fresh = rows if settled is None or not rows.height else rows.filter(~pl.col(ARRIVAL).is_in(settled.implode()))
        return self._questions.ask(partition, fresh)

    def asked(self, change: Change) -> None:
        """Take note that they are committed."""
        self._questions.done(change)

    # What the worker asks.

    def line(self) -> ScoredLine:
        """Return what was done since the beginning."""
        return ScoredLine(
            model=self.scoring.model.name,
            version=None if self._champion is None else label(self._champion.version),
            answered=self._answered,
            refused=self._refused,
            waiting=sum(lane.asked.waiting for lane in self._questions.lanes.values()),
        )

    @property
    def waiting_since(self) -> float | None:
        """Since when there may be answers that the lake lacks, by the monotonic clock."""
        return self._since

    def look(self, *, at_once: bool = False) -> None:
        """Now and then see who answers. While the ledger or the lake is away it is whoever answered before.

        Raises:
            LedgerUnreachable, LakeFault and what the bundle's place raises: if it is `at_once`.
        """
        self._kept.renew(lambda: spaces_of(self.scoring))
        moment, patience = time.monotonic(), self._means.patience
        if not at_once and moment - self._checked < _CHECK_SECONDS:
            return
        self._checked = moment
        try:
            self._see_who_answers()
        except SystemFault as fault:
            if at_once:
                raise
            self._faults.add(patience.away(fault))
        else:
            if self._faults:
                patience.back(*self._faults)
            self._faults.clear()

    def _see_who_answers(self) -> None:
        means, before = self._means, self._champion
        version = find_champion(means.workspace, self.scoring.model.name)
        if version is None:
            self._champion = self._questions.as_of = None
            self._tell(f"{self.scoring.model.name} has no champion yet: what comes is not asked")
            return
        if before is not None and before.version.id == version.id and is_newest(means.workspace, before):
            return
        loaded = load_champion(means.workspace, means.lake, version, [table.name for table in streamed_tables(means.workspace.project)])
        if before is None or before.version.id != version.id:
            means.regroup()
        self._champion = loaded
        self._questions.use(loaded.as_of)
        self._tell(f"{label(version)} answers what comes into {self.spine}")

    def answer(self) -> int:
        """Answer what can be answered; return how many questions that were."""
        done = 0
        self._tell_notes()
        if self._champion is not None and any(lane.pieces for lane in self._questions.lanes.values()):
            until = self._until(self._champion)
            for number in list(self._questions.lanes):
                while taken := self._means.patience.until_done(partial(self._answer, number, until)):
                    done += taken
        return done

    def deliver(self) -> int:
        """Bring answers into the lake; return how many.

        Raises:
            LakeFault, CommitConflict, StoreFault and what the ledger raises: what waits, waits on.
        """
        means = self._means
        rows = sum(deliver_partition(means.workspace, means.lake, means.store, self.scoring, each) for each in list(self._questions.lanes))
        self._since = None  # not before: what the lake did not take is to be tried again
        if rows:
            self._deliveries += 1
            if self._deliveries % _TEND_EVERY == 0:
                tend(means.lake, (*tables_of(self.scoring), UNANSWERED))
        return rows

    def _answer(self, partition: int, until: int | None) -> int:
        """Answer some of a partition's questions, those about moments up to `until`; None: about any."""
        lane, champion = self._questions.lanes.get(partition), self._champion
        if lane is None or not lane.pieces or champion is None:
            return 0
        taken, rows = _ready(lane.pieces, until)
        if not rows:
            return 0
        store, now = self._means.store, self._means.workspace.clock.now()
        answered = champion.answer(store, pl.concat(rows, how="vertical").sort(ARRIVAL))
        if answered is None:
            return 0
        change = self._questions.answered(partition, taken, answered.refused.height)
        number = lane.asked.number
        kept = made_answers(self._means.workspace, champion, answered, number, self.scoring.names if self.scoring.to else None, now)
        put = Commit(put=[put_answers(self.scoring.model.name, partition, kept), *self._parcels(partition, kept)])
        try:
            self._means.patience.commit(store, joined(change.commit, put))
        except MarkMoved:  # somebody else takes the partition for his
            self.take_over(partition)
            return 0
        self._questions.done(change)
        self._since = self._since or time.monotonic()
        for outgoing, sending in self._sendings if kept.told else ():
            outgoing.add(partition, number, len(kept.told))
            sending.wake()
        return self._count(answered)

    def _ask_what_was_lost(self, partition: int) -> None:
        """Where the lake has answers of a partition of which the store knows nothing, ask what has none."""
        means, lane = self._means, self._questions.lanes[partition]
        if lane.mark is None and lane.asked.number > 1 and self._champion is not None:
            rows = lost_questions(means.workspace, means.lake, self.scoring, partition)
            if rows is not None:
                change = self._questions.ask(partition, rows)
                means.store.commit(change.commit)
                self._questions.done(change)

    def _ask_nothing_twice(self, partition: int) -> None:
        """Where the store lost its last commits, the lake may have answers to questions that wait again, or whose rows come again."""
        means, lane, model = self._means, self._questions.lanes[partition], self.scoring.model.name
        self._settled.pop(partition, None)
        delivered = means.lake.tables.appended(PREDICTIONS, app_of(model, partition))
        if delivered is None:
            return
        went_back = lane.asked.number <= delivered
        if went_back or self._comes_again(partition):
            self._settled[partition] = settled_arrivals(means.workspace, means.lake, self.scoring, partition)
        if went_back:
            change = self._questions.settled(partition, self._settled[partition], delivered)
            means.store.commit(change.commit)
            self._questions.done(change)

    def _comes_again(self, partition: int) -> bool:
        """Tell whether rows of the spine come that the lake has already."""
        last = self._means.lake.tables.appended(self.spine, rows_app_of(self.spine, partition))
        _, (mark,) = self._means.store.read([], [position_mark(self.spine, partition)])
        return last is not None and mark is not None and read_position(mark).next_offset < last

    def _parcels(self, partition: int, kept: Answers) -> list[tuple[Field, bytes]]:
        return [(outgoing.field(partition, kept.number), kept.told) for outgoing, _ in self._sendings if kept.told]

    def _count(self, answered: Answered) -> int:
        self._answered += answered.rows.height
        self._refused += answered.refused.height
        return answered.rows.height + answered.refused.height

    def _until(self, champion: Champion) -> int | None:
        """The moment up to which questions are answered; None: all are."""
        if self.scoring.wait == "now":
            return None
        now = microseconds(self._means.workspace.clock.now())
        tables = [table for table in champion.dated if not self._means.has_ended(table)]
        marks = [table_watermark(positions_of(self._means.store, table), now) for table in tables]
        return min((_BEGINNING if each is None else each for each in marks), default=None)

    def _tell_notes(self) -> None:
        for _, sending in self._sendings:
            sending.raise_failure()
            while sending.notes:
                self._means.say(sending.notes.popleft())

    def _tell(self, words: str) -> None:
        if words != self._told:
            self._told = words
            self._means.say(words)


_BEGINNING, _END = -(2**62), 2**63 - 1


def _ready(pieces: Collection[Piece], until: int | None) -> tuple[dict[int, pl.Series], list[pl.DataFrame]]:
    """Return which questions are to be answered now, by the place of their piece, and the questions."""
    taken: dict[int, pl.Series] = {}
    rows: list[pl.DataFrame] = []
    for place, piece in enumerate(pieces):
        asked = piece.rows[AS_OF]
        ready = asked.is_null() | (asked <= (_END if until is None else until)).fill_null(False)
        if ready.any() and sum(each.height for each in rows) < _MOST_AT_ONCE:
            taken[place] = ready
            rows.append(piece.rows.filter(ready))
    return taken, rows
