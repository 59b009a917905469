"""What comes into the lake, and when."""

from datetime import UTC, datetime

import polars as pl

import headrace as hr
from headrace.app.streaming.flushing import Flushed, flush_partition
from headrace.app.streaming.intake import Intake
from headrace.app.streaming.partitions import Owned
from headrace.expressions import DType
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.admitting import Rules
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.door import StreamDoor
from headrace.ingest.stream.messages import FAILURES, Messages, Position, Writing, arrivals_of, failures_of
from headrace.lake.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def messages(first, frame, failures=()):
    frame = pl.DataFrame(frame)
    offsets = pl.int_range(first, first + frame.height, dtype=pl.Int64, eager=True)
    failed = failures_of(failures) if failures else pl.DataFrame(schema=FAILURES)
    end = Position(first + frame.height + len(failures))
    return Messages("orders", 0, Position(first), end, frame, arrivals_of(0, offsets).alias(ARRIVAL), failed, Writing())


class Overtaken(MemoryStore):
    """Another worker commits just before something is taken out of the outbox."""

    def __init__(self):
        super().__init__()
        self.other = None

    def commit(self, commit):
        if commit.drop and self.other is not None:
            other, self.other = self.other, None
            super().commit(other)
        super().commit(commit)


class Worker:
    """Takes messages as one who has the partition does."""

    def __init__(self, store, folder):
        source = hr.Kafka("orders", servers="localhost:9092")
        table = hr.Events("orders", source=source, id="id")
        self.intake = Intake("orders", StreamDoor(table, b"k" * 32), Rules.of(table, source), None)
        self.store, self.lake, self.owned = store, Lake(folder, "shop"), Owned()

    def batch(self, some):
        return self.intake.batch(some, self.intake.judge(some, NOW), self.owned, self.store, None, NOW)

    def take(self, some):
        batch = self.batch(some)
        self.store.commit(batch.commit)
        self.owned = batch.after

    def flush(self):
        return flush_partition(self.lake, self.store, "orders", 0)

    def rows(self):
        return self.lake.tables.scan("orders").collect().select("id", "n").rows()


def test_messages_of_which_none_can_be_read_make_no_table_and_do_not_wait_until_its_columns_are_known(tmp_path):
    worker = Worker(MemoryStore(), tmp_path)
    worker.take(messages(0, {}, [(0, "no JSON", "{")]))
    assert worker.flush() == Flushed(0, 1)
    assert worker.flush() is None, "nothing waits"
    assert worker.lake.tables.version("orders") is None
    worker.take(messages(1, {"id": [7], "n": [1.5]}))
    assert worker.flush() == Flushed(1, 2)
    assert worker.rows() == [(7, 1.5)]
    assert worker.lake.tables.scan("orders/quarantine").collect()["_reason"].to_list() == ["no JSON"]


def test_what_another_keeps_in_a_chunk_that_is_being_taken_out_stays(tmp_path):
    """Who began at the end of a partition was frozen as he brought that; who has it now has taken its first messages."""
    worker = Worker(Overtaken(), tmp_path)
    worker.intake.door.pins = {"id": DType.INT, "n": DType.FLOAT}  # as the first rows of another partition have settled them
    worker.take(messages(5, {}))
    worker.store.other = worker.batch(messages(5, {"id": [7], "n": [1.5]})).commit
    assert worker.flush() is None
    assert worker.flush() == Flushed(1, 6)
    assert worker.rows() == [(7, 1.5)]
