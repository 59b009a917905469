"""One micro-batch: from the messages of a partition to the one commit that has all of its effect."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import polars as pl

from headrace.app.streaming.outbox import chunk_field, pack
from headrace.app.streaming.partitions import Owned, joined, remembered
from headrace.core.moments import MICROSECOND, microseconds, moment_of
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stream.admitting import Ids, PartitionState, Rules, SortedOut, sort_out
from headrace.features.stream.positions import Position, position_mark
from headrace.features.stream.writing import StateWriter
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, RuleResult
from headrace.ingest.stream.door import StreamDoor, Taken
from headrace.ingest.stream.messages import Messages

BEGINNING = -(2**62)
"""A horizon before all moments: nothing is dropped."""


class Batch(NamedTuple):
    """What a micro-batch comes to: the commit, the rows accepted, what is known of the partition after it, and how rows met each rule."""

    partition: int
    commit: Commit
    accepted: pl.DataFrame
    after: Owned
    rows: int
    results: tuple[RuleResult, ...]


@dataclass
class Intake:
    """Takes the messages of one table in. `writer` is None as long as no model looks into the table."""

    table: str
    door: StreamDoor
    rules: Rules
    idle: timedelta | None
    writer: StateWriter | None = None

    def moment(self, before: Owned, now: datetime) -> datetime:
        """Return when rows come in that come now. Where rows belong to that moment, a clock that was put back makes none of them late."""
        newest = before.position.newest_us
        if newest is None or INGESTED_AT not in self.rules.moments:
            return now
        return max(now, moment_of(newest))

    def judge(self, messages: Messages, now: datetime) -> Taken:
        """Hold the rows to the contract.

        Raises:
            ContractBroken, ColumnProblem and what else `StreamDoor.take` raises: nothing of the messages is kept then.
        """
        return self.door.take(messages, now)

    def batch(self, messages: Messages, taken: Taken, before: Owned, store: StateStore, horizon_us: int | None, now: datetime) -> Batch:
        """Return what judged messages come to."""
        partition, first = messages.partition, messages.first.offset
        found = _sorted_out(taken.accepted, before.state, self.rules)
        ids, runs = remembered(self.table, partition, before, found.state)
        position = self._position(messages, taken, found, before.position, horizon_us, now)
        packed = b""  # of a partition that begins at its first message there is nothing to bring
        if messages.next.offset > before.position.next_offset:
            packed = pack(messages.next.offset, found.accepted, found.late, taken.quarantined)
        mark, value = position_mark(self.table, partition), position.to_bytes()
        put = [(chunk_field(self.table, partition, first), packed)] if packed else []
        kept = Commit(expect={mark: before.mark}, marks={mark: value}, put=put)
        state = Commit()
        if self.writer is not None and found.accepted.height:
            state = self.writer.changes(partition, found.accepted, BEGINNING if horizon_us is None else horizon_us, store)
        since = before.since if before.waiting_bytes else time.monotonic()
        waiting = before.waiting_bytes + len(packed)
        after = Owned(mark=value, position=position, state=found.state, runs=runs, waiting_bytes=waiting, since=since)
        rows = taken.accepted.height + taken.quarantined.height
        return Batch(partition, joined(kept, ids, state), found.accepted, after, rows, taken.results)

    def _position(
        self, messages: Messages, taken: Taken, found: SortedOut, before: Position, horizon_us: int | None, now: datetime
    ) -> Position:
        seen = [frame[ARRIVAL].max() for frame in (taken.accepted, taken.quarantined) if frame.height]
        newest = max([before.newest_arrival, *(each for each in seen if isinstance(each, int))])
        dropped = [each for each in (before.horizon_us, horizon_us) if each is not None]
        return msgspec.structs.replace(
            before,
            next_offset=messages.next.offset,
            origin=messages.next.origin or before.origin,
            newest_us=found.state.newest_us,
            watermark_us=found.state.watermark_us(self.rules),
            horizon_us=max(dropped, default=None),
            committed_us=microseconds(now),
            active_until_us=None if self.idle is None else microseconds(now) + self.idle // MICROSECOND,
            newest_arrival=newest,
            accepted=before.accepted + found.accepted.height,
            late=before.late + found.late.height,
            duplicates=before.duplicates + found.duplicates.height,
            quarantined=before.quarantined + taken.quarantined.height,
        )


def _sorted_out(rows: pl.DataFrame, state: PartitionState, rules: Rules) -> SortedOut:
    if rows.height:
        return sort_out(rows, state, rules)
    return SortedOut(rows, rows, rows, state, Ids.from_bytes(b""))  # before the first row that can be read it has no columns
