"""What comes into the lake, and when."""

from datetime import UTC, datetime

import polars as pl

import headrace as hr
from headrace.app.streaming.flushing import Flushed, flush_partition
from headrace.app.streaming.intake import Intake
from headrace.app.streaming.partitions import Owned
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


def test_messages_of_which_none_can_be_read_make_no_table_and_wait_until_its_columns_are_known(tmp_path):
    source = hr.Kafka("orders", servers="localhost:9092")
    table = hr.Events("orders", source=source, id="id")
    intake = Intake("orders", StreamDoor(table, b"k" * 32), Rules.of(table, source), None)
    store, lake, owned = MemoryStore(), Lake(tmp_path, "shop"), Owned()

    def take(some):
        nonlocal owned
        batch = intake.batch(some, intake.judge(some, NOW), owned, store, None, NOW)
        store.commit(batch.commit)
        owned = batch.after
        return flush_partition(lake, store, "orders", 0)

    assert take(messages(0, {}, [(0, "no JSON", "{")])) is None
    assert lake.tables.version("orders") is None
    assert take(messages(1, {"id": [7], "n": [1.5]})) == Flushed(1, 2)
    assert lake.tables.scan("orders").collect().select("id", "n").rows() == [(7, 1.5)]
    assert lake.tables.scan("orders/quarantine").collect()["_reason"].to_list() == ["no JSON"]
