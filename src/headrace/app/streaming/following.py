"""One streamed table as this worker follows it: its partitions come and go, and their rows are taken, kept and brought into the lake."""

import time
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from headrace.app.appending import tend
from headrace.app.scoring.questions import Change
from headrace.app.streamed import QUARANTINE
from headrace.app.streaming.around import Around
from headrace.app.streaming.bounding import Pace, cut, parts_of
from headrace.app.streaming.counting import Counts
from headrace.app.streaming.flushing import flush_partition, tables_of
from headrace.app.streaming.gathering import beyond, gathered
from headrace.app.streaming.horizon import Horizon
from headrace.app.streaming.intake import Batch, Intake
from headrace.app.streaming.partitions import Owned, joined
from headrace.app.streaming.recording import Brought, record_version
from headrace.app.streaming.settled import Settled
from headrace.app.streaming.taking_over import TakingOver
from headrace.app.streaming.unused import Kept, drop_unused
from headrace.core.errors import SystemFault
from headrace.core.moments import microseconds
from headrace.expressions import DType
from headrace.features.lookups import Functions
from headrace.features.stores.contract import Commit
from headrace.features.stores.errors import MarkMoved
from headrace.features.stream.admitting import Rules
from headrace.features.stream.layout import GroupLayout
from headrace.features.stream.positions import position_mark, position_prefix, read_position, table_watermark
from headrace.features.stream.writing import StateWriter
from headrace.ingest.stream.door import Taken
from headrace.ingest.stream.messages import Messages, Position
from headrace.ingest.stream.opening import follower_of
from headrace.spec.streams import Streamed
from headrace.spec.tables import Entity, Events, duration_or_none

_NO_PARTITION = "no partition of it is ours: the other members of its group have them, or one that was killed has not timed out yet"
_BATCH_ROWS = 50_000
"""Of a worker that is behind: commits of five times as many rows take half the CPU a row (300,000 rows, three windows)."""
_GATHER_SECONDS = 0.2
_LOOK_SECONDS = 1.0
_TELL_SOURCE_SECONDS = 5.0
_TEND_EVERY = 10


class Following:
    """Satisfies `Listener` for the follower of its table."""

    def __init__(self, table: Events | Entity, around: Around) -> None:
        assert isinstance(table.source, Streamed)
        self.table, self.counts = table, Counts()
        self._around, self._askers = around, around.askers.get(table.name, ())
        self._owned: dict[int, Owned] = {}
        self._backlog: deque[Messages] = deque()
        self._settled = Settled(table, around)
        self._intake = Intake(table.name, self._settled.door(), Rules.of(table, table.source), duration_or_none(table.source.idle))
        self._taking_over = TakingOver(table, around, self._settled, self._intake.rules, self.counts)
        self._follower = follower_of(table, self, around.surroundings, around.workspace.project.name)
        self._horizon = Horizon(table, around)
        self._gone: list[int] = []  # partitions that are not where we left them: the store has lost commits
        self._pace = Pace(_BATCH_ROWS)
        self._looked = self._told = float("-inf")
        self._kept = Kept(around.store, around.workspace.clock, around.patience)
        self._flushes, self._trouble = 0, ""
        self._is_recorded = False  # a worker may have died between the lake and the ledger
        self._was_assigned = self._polling = self._leaving = self._is_paused = False

    # What the follower tells.

    def assigned(self, partitions: Collection[int]) -> Mapping[int, Position]:
        """Take partitions over, with all that is known of them, and say where to go on."""
        self._was_assigned = True
        if not self.types:
            self._look_for_columns()
        for partition in partitions:
            self._owned[partition] = self._taking_over.take(partition)
        known = {partition: self._owned[partition].position for partition in partitions if self._owned[partition].mark is not None}
        return {partition: Position(each.next_offset, each.origin) for partition, each in known.items()}

    def revoked(self, partitions: Collection[int]) -> None:
        """Bring what waits into the lake, so that whoever gets the partitions finds little to do, and let go of them."""
        try:
            self.flush([] if self._leaving else [each for each in partitions if each in self._owned])
        except SystemFault as fault:  # what waits is in the store, and whoever gets the partitions brings it
            self._around.patience.away(fault)
        self.lost(partitions)

    def lost(self, partitions: Collection[int]) -> None:
        """Let go of partitions."""
        for partition in partitions:
            self._owned.pop(partition, None)
        for each in self._askers:
            each.let_go(partitions)
        self._forget(partitions)

    # What the worker asks.

    @property
    def types(self) -> Mapping[str, DType]:
        """The types of the table's columns; empty until they are known."""
        return self._settled.types

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more."""
        return self._follower.ended and not self._backlog

    @property
    def caught_up(self) -> bool:
        """Whether nothing is left of what the source had, as far as that is known, or nothing of it is for this worker."""
        if self.ended or self._backlog:
            return self.ended
        if not self._was_assigned:
            return self._follower.left_out
        lag = self._follower.lag()
        return lag.keys() >= self._owned.keys() and not any(lag.values())

    @property
    def remarks(self) -> list[str]:
        """What is to be known of the rows that came."""
        location = self._around.lake.tables.location(f"{self.table.name}/{QUARANTINE}")
        return [f"{self.table.name}: {words}" for words in self.counts.remarks(location)]

    @property
    def partitions(self) -> tuple[int, ...]:
        """Those that this worker has."""
        return tuple(self._owned)

    @property
    def waiting_bytes(self) -> int:
        """How much waits for the lake."""
        return sum(each.waiting_bytes for each in self._owned.values())

    @property
    def waiting_since(self) -> float | None:
        """When the first of that came, by the monotonic clock."""
        return min((each.since for each in self._owned.values() if each.waiting_bytes), default=None)

    def take_some(self, timeout_seconds: float) -> int:
        """Take what comes within a time, and return how many rows that was."""
        self._gather(timeout_seconds)
        rows = 0
        while self._backlog:
            messages = self._backlog.popleft()
            if messages.partition in self._owned:
                rows += self._take(messages)
        self._look()
        while self._gone:  # nothing may come of them for long, whose commit would find that out
            self._reload(self._gone.pop())
        return rows

    def breathe(self) -> None:
        """Let the source see that we are there, and take nothing: something else is away."""
        if not self._polling:
            self.pause()
            self._poll(0)

    def pause(self) -> None:
        """Take nothing more until `resume`, of partitions that have come since neither."""
        self._is_paused = True
        self._follower.pause(list(self._owned))

    def resume(self) -> None:
        """Go on taking."""
        if self._is_paused:
            self._is_paused = False
            self._follower.resume(list(self._owned))

    def use(self, layouts: Sequence[GroupLayout], functions: Functions, *, complete: bool) -> None:
        """Keep these groups from now on: new ones are filled first; others go in time if it is `complete` what all models need."""
        spaces = {each.space for each in layouts}
        self._kept.say(spaces)
        if complete:
            now = self._around.workspace.clock.now()
            self._around.patience.until_done(lambda: drop_unused(self._around.store, f"state/{self.table.name}/", spaces, now))
        if self._taking_over.layouts is not None and spaces == {each.space for each in self._taking_over.layouts}:
            return
        self._taking_over.layouts, self._taking_over.functions = tuple(layouts), functions
        for partition, before in list(self._owned.items()):
            owned = self._taking_over.take(partition)
            if owned.position.next_offset != before.position.next_offset:
                self._go_on(partition, owned)
            elif partition in self._owned:
                self._owned[partition] = owned
        self._intake.writer = StateWriter(layouts, functions)

    def flush(self, partitions: Iterable[int] | None = None) -> None:
        """Bring what waits into the lake, and put the table's new version on record.

        Raises:
            LakeFault, CommitConflict, StoreFault and what the ledger raises: what waits, waits on.
        """
        flushed, around = False, self._around
        for partition in list(self._owned if partitions is None else partitions):
            done = flush_partition(around.lake, around.store, self.table.name, partition)
            if done is not None:
                flushed, self._is_recorded = True, False
                self.counts.flushed += done.rows
                self._owned[partition] = self._owned[partition].flushed()
        if flushed:
            self._flushes += 1
            if self._flushes % _TEND_EVERY == 0:
                tend(around.lake, tables_of(self.table.name))
        if not self._is_recorded:
            whole = [partition for partition, each in self._owned.items() if not each.waiting_bytes]
            brought = Brought(whole, self._intake.door.pins or {}, self.counts)
            record_version(around.workspace, around.lake, around.store, self.table, brought)
            self._is_recorded = True
        if flushed and not self.types:  # these rows were taken by another, which died
            self._settled.look_again()

    def sweep(self) -> None:
        """Drop some of what no question needs any more, now and then."""
        writer, mine = self._intake.writer, {partition: each for partition, each in self._owned.items() if each.mark is not None}
        if writer is None:
            return
        try:
            swept = self._horizon.sweep(writer, mine)
        except MarkMoved:
            for partition in mine:
                self._reload(partition)
            return
        self._owned |= {partition: each for partition, each in swept.items() if partition in self._owned}

    def close(self) -> None:
        """Leave the source; what waits was brought into the lake before, or cannot be now."""
        self._leaving = True
        self._follower.close()

    # Taking.

    def _gather(self, timeout_seconds: float) -> None:
        """Poll until nothing comes at once, or there is enough for a micro-batch."""
        self._poll(timeout_seconds)
        came, until = -1, time.monotonic() + _GATHER_SECONDS
        while came < (came := self._waiting_rows()) < self._pace.rows and time.monotonic() < until:
            self._poll(0)
        self._backlog = deque(gathered(self._backlog, self._pace.rows))

    def _waiting_rows(self) -> int:
        return sum(each.frame.height for each in self._backlog)

    def _poll(self, timeout_seconds: float) -> None:
        self._polling = True
        try:
            came = self._follower.poll(timeout_seconds)  # in which partitions may go, and what came of them before
            self._backlog.extend(came)
        finally:
            self._polling = False

    def _take(self, messages: Messages) -> int:
        """Take messages of a partition and return how many rows they had; none if somebody else has moved the partition."""
        around, partition = self._around, messages.partition
        before = self._owned[partition]
        if before.mark is not None and messages.next.offset <= before.position.next_offset:
            return 0  # but one that begins is kept, though it is empty: its rows may yet be of any moment
        messages = beyond(messages, before.position.next_offset)
        now = self._intake.moment(before, around.workspace.clock.now())
        pinned = self._intake.door.pins is not None
        taken = self._intake.judge(messages, now)
        if self._settled.know(partition, taken.accepted) or (self.types and self._taking_over.layouts is None):
            around.patience.until_done(around.columns_known)
            owned = self._owned.get(partition, before)  # the groups that are needed now are filled
            if owned.position.next_offset != before.position.next_offset:  # and another took of it meanwhile
                self._reload(partition)
                return 0
            before = owned
        pins = Commit() if pinned else self._settled.pinning(self._intake.door.pins)
        return self._keep(messages, taken, before, pins, now)

    def _keep(self, messages: Messages, taken: Taken, before: Owned, pins: Commit, now: datetime) -> int:
        """Commit judged messages, in parts if they are too many for one commit; return how many rows they had."""
        partition, rows, parts = messages.partition, 0, deque([(messages, taken)])
        while parts:
            messages, taken = parts.popleft()
            started = time.monotonic()
            batch, questions, commit = self._worked_out(messages, taken, before, now)
            count = parts_of(commit)
            if count > 1 and len(several := cut(messages, taken, count)) > 1:
                self._pace.cut(len(several))
                self._forget_state()  # it has the rows already
                parts.extendleft(reversed(several))
                continue
            if not self._made(batch, questions, joined(commit, pins)):
                break
            self.counts.moved(before.position, batch.after.position, batch.rows)
            self.counts.committed(time.monotonic() - started)
            rows, pins, before = rows + batch.rows, Commit(), batch.after
            if self._owned.get(partition) is not before:  # while the store was away it became another's: the rest comes to whoever has it
                break
        return rows

    def _worked_out(self, messages: Messages, taken: Taken, before: Owned, now: datetime) -> tuple[Batch, list[Change], Commit]:
        """Return what judged messages come to, with the questions that are made of them, and the commit of all of it."""
        store, horizon = self._around.store, self._horizon.reached_us
        batch = self._around.patience.until_done(lambda: self._intake.batch(messages, taken, before, store, horizon, now))
        questions = [each.ask(messages.partition, batch.accepted) for each in self._askers]
        return batch, questions, joined(batch.commit, *(each.commit for each in questions))

    def _made(self, batch: Batch, questions: Sequence[Change], commit: Commit) -> bool:
        """Make a commit, and tell whether it was; else somebody else has moved the partition."""
        try:
            self._around.patience.commit(self._around.store, commit)
        except MarkMoved:
            self._reload(batch.partition)
            return False
        self._settled.kept()
        for asker, change in zip(self._askers, questions, strict=True):
            asker.asked(change)
        if batch.partition in self._owned:  # while the store was away it may have become another's, which goes on from this commit
            self._owned[batch.partition] = batch.after
        self._pace.fitted(commit)
        self.counts.judged(batch.results)
        return True

    def _reload(self, partition: int) -> None:
        """Go on in a partition that is not where we left it: it is another's, and will be taken from us, or was; or the store went back."""
        if partition in self._owned:
            if self._settled.forget_unkept():
                self._taking_over.layouts = self._intake.writer = None
            self._look_for_columns()
            owned = self._taking_over.take(partition)
            self._intake.door = self._settled.door()
            self._go_on(partition, owned)

    def _look_for_columns(self) -> None:
        """Know the columns by what others have left, so that what is taken over is filled with the groups that models need of them."""
        if self._around.patience.until_done(self._settled.look_again):
            self._around.patience.until_done(self._around.columns_known)

    def _go_on(self, partition: int, owned: Owned) -> None:
        """Go on in a partition as it is in the store, unless it was taken from us meanwhile."""
        if partition in self._owned:
            self._owned[partition] = owned
            self._forget([partition])
            self._follower.seek({partition: Position(owned.position.next_offset, owned.position.origin)})

    def _forget(self, partitions: Collection[int]) -> None:
        """Let go of what came of partitions and was not taken: it comes again, from elsewhere perhaps; and of what is held of the store."""
        self._backlog = deque(each for each in self._backlog if each.partition not in partitions)
        self._forget_state()

    def _forget_state(self) -> None:
        if self._intake.writer is not None:
            self._intake.writer.forget()

    # Looking around.

    def _look(self) -> None:
        """Now and then see how far all partitions of the table are, and tell the source how far we are."""
        moment = time.monotonic()
        if moment - self._looked < _LOOK_SECONDS:
            return
        self._looked = moment
        self._kept.renew(lambda: [each.space for each in self._taking_over.layouts or ()])
        marks = self._around.patience.until_done(lambda: self._around.store.marks(position_prefix(self.table.name)))
        self._gone = [number for number, each in self._owned.items() if each.mark != marks.get(position_mark(self.table.name, number))]
        positions = [read_position(value) for value in marks.values()]
        watermark = table_watermark(positions, microseconds(self._around.workspace.clock.now()))
        if watermark is not None:
            self._horizon.move(positions, watermark)
        self._tell(watermark)
        if moment - self._told > _TELL_SOURCE_SECONDS:
            self._told = moment
            self._follower.kept({partition: Position(each.position.next_offset) for partition, each in self._owned.items() if each.mark})

    def _tell(self, watermark: int | None) -> None:
        counts, lag = self.counts, self._follower.lag()
        self._say_trouble(self._follower.trouble)
        counts.watermark_us, counts.trouble = watermark, self._follower.trouble or ("" if self._owned else _NO_PARTITION)
        counts.behind = sum(lag.values()) if lag else None
        counts.partitions, counts.waiting_bytes = len(self._owned), self.waiting_bytes

    def _say_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._around.patience.say(f"{self.table.name}: {trouble or 'messages come again'}")
            self._trouble = trouble

    def look_again(self) -> None:
        """See how far everything is, at once."""
        self._looked = float("-inf")
        self._look()
