"""What a micro-batch comes to."""

from datetime import UTC, datetime, timedelta

import polars as pl

import headrace as hr
from headrace.app.streaming.intake import Intake
from headrace.app.streaming.partitions import Owned
from headrace.core.moments import microseconds
from headrace.expressions import DType
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.admitting import Rules
from headrace.ingest.requests import ARRIVAL, INGESTED_AT
from headrace.ingest.stream.door import StreamDoor
from headrace.ingest.stream.messages import FAILURES, Messages, Position, Writing, arrivals_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(offset: int) -> Messages:
    frame, offsets = pl.DataFrame({"id": [offset], "at": ["2025-12-31T00:00:00Z"]}), pl.Series([offset])
    failures, writing = pl.DataFrame(schema=FAILURES), Writing(textual=frozenset({DType.DATETIME}))
    arrivals = arrivals_of(0, offsets).alias(ARRIVAL)
    return Messages("orders", 0, Position(offset), Position(offset + 1), frame, arrivals, failures, writing)


def taken(known: str | None, *seconds: int, idle: timedelta | None = None) -> tuple[Owned, list[datetime]]:
    """Take a row at each of these seconds by the clock; return the partition after them, and when those accepted came in."""
    source = hr.Kafka("orders", servers="localhost:9092", lateness="0s")
    table = hr.Events("orders", source=source, id="id", time="at", known=known)
    intake = Intake("orders", StreamDoor(table, b"k" * 32), Rules.of(table, source), idle)
    owned, moments = Owned(), []
    for offset, second in enumerate(seconds):
        some, now = message(offset), intake.moment(owned, NOW + timedelta(seconds=second))
        batch = intake.batch(some, intake.judge(some, now), owned, MemoryStore(), None, now)
        owned, moments = batch.after, [*moments, *batch.accepted[INGESTED_AT]]
    return owned, moments


def test_a_clock_that_is_put_back_makes_no_row_late() -> None:
    owned, moments = taken("ingested", 0, -3600, 1)
    assert (owned.position.accepted, owned.position.late) == (3, 0)
    assert moments == [NOW, NOW, NOW + timedelta(seconds=1)]


def test_rows_that_do_not_belong_to_the_moment_at_which_they_come_keep_what_the_clock_says() -> None:
    _, moments = taken(None, 0, -3600)
    assert moments == [NOW, NOW - timedelta(seconds=3600)]


def test_a_partition_that_may_be_silent_for_ever_holds_the_watermark_for_ever() -> None:
    owned, _ = taken(None, 0, idle=timedelta(days=3_652_425))
    assert owned.position.active_until_us is not None
    assert owned.position.active_until_us > microseconds(datetime.max.replace(tzinfo=UTC))
