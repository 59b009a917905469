"""A partition made from the lake, where the store was lost."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

import headrace as hr
from headrace.app.streaming.flushing import flush_partition
from headrace.app.streaming.intake import Intake
from headrace.app.streaming.lake_rows import LakeRows
from headrace.app.streaming.partitions import Owned
from headrace.app.streaming.recovery import settle, take_over
from headrace.features.stores.contract import StateStore
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.admitting import Rules
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.door import StreamDoor
from headrace.ingest.stream.messages import FAILURES, Messages, Position, arrivals_of
from headrace.lake.lake import Lake

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(offset: int, order: int, at: datetime) -> Messages:
    frame, arrivals = pl.DataFrame({"id": [order], "at": [at]}), arrivals_of(0, pl.Series([offset])).alias(ARRIVAL)
    return Messages("orders", 0, Position(offset), Position(offset + 1), frame, arrivals, pl.DataFrame(schema=FAILURES))


def test_what_a_row_that_came_twice_made_late_is_late_after_the_store_was_lost(tmp_path: Path) -> None:
    source = hr.Kafka("orders", servers="localhost:9092", lateness="0s")
    table, lake = hr.Events("orders", source=source, id="id", time="at"), Lake(tmp_path, "shop")
    intake = Intake("orders", StreamDoor(table, b"k" * 32), Rules.of(table, source), None)

    def taken(store: StateStore, before: Owned, some: Messages) -> Owned:
        batch = intake.batch(some, intake.judge(some, NOW), before, store, None, NOW)
        store.commit(batch.commit)
        return batch.after

    store = MemoryStore()
    owned = taken(store, Owned(), message(0, 1, NOW))
    owned = taken(store, owned, message(1, 1, NOW + timedelta(hours=1)))  # the lake does not get it
    assert (owned.position.accepted, owned.position.duplicates) == (1, 1)
    flush_partition(lake, store, "orders", 0)
    recorded: dict[str, Any] = msgspec.to_builtins(owned.position)

    store = MemoryStore()
    owned = settle(store, "orders", 0, take_over(store, LakeRows(lake, "orders", 0), intake.rules, recorded))
    watermark = owned.position.watermark_us
    owned = taken(store, owned, message(2, 2, NOW + timedelta(minutes=30)))
    assert (owned.position.accepted, owned.position.late) == (1, 1)
    assert owned.position.watermark_us == watermark
