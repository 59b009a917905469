"""Appending, dropping and sweeping, seen in the store."""

from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest

from headrace.expressions import DType, col, count
from headrace.features.batch import compute
from headrace.features.errors import AskedBeforeState
from headrace.features.plan import FeaturePlan
from headrace.features.stores.contract import Commit
from headrace.features.stores.errors import StoreFault
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.appending import Sizes
from headrace.features.stream.layout import group_layouts
from headrace.features.stream.positions import Position, position_mark
from headrace.features.stream.reading import answer
from headrace.features.stream.segments import unpack
from headrace.features.stream.writing import StateWriter
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Events

NOON = datetime(2013, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EVENTS = Events("events", source=File("e.csv"), time="at")
TYPES = {"key": DType.STRING, "at": DType.DATETIME, "text": DType.STRING}
SPINE = {"key": DType.STRING, "asked": DType.DATETIME}
SCHEMA = {"key": pl.String, "at": pl.Datetime("us", "UTC"), "text": pl.String}


def planned(**values):
    features = Features(spine=Events("q", source=File("q.csv"), time="asked"), given=list(SPINE), as_of="asked", values=values)
    return FeaturePlan.build(features, SPINE, {"events": TYPES})


def events(start, end, key="a"):
    """A row a minute."""
    rows = [{"key": key, "at": NOON + number * MINUTE, "text": f"text {number}"} for number in range(start, end)]
    arrivals = pl.Series(range(start, end), dtype=pl.Int64)
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(_arrival=arrivals, _ingested=pl.col("at"))


def microseconds(minutes):
    return (NOON + minutes * MINUTE - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def stored_rows(plan, store):
    (layout,) = group_layouts([plan])
    segments = [segment for _, fields in store.walk(layout.space).records for _, segment in fields]
    return [len(unpack(segment, layout.width).words) for segment in segments]


@pytest.mark.parametrize("held_bytes", [0, 1 << 26])
def test_a_window_holds_about_what_it_needs_however_long_it_is_written(held_bytes):
    plan, store = (
        planned(count=window(EVENTS, count(), by="key", over="50m"), low=window(EVENTS, col("text").min(), by="key", over="9m")),
        MemoryStore(),
    )
    writer = StateWriter(group_layouts([plan]), {}, Sizes(segment_bytes=400, held_bytes=held_bytes))
    for start in range(0, 1000, 7):
        rows = events(start, min(start + 7, 1000))
        store.commit(writer.changes(0, rows, microseconds(start), store))
    assert 50 <= sum(stored_rows(plan, store)) < 200
    spine = pl.DataFrame(
        {"key": ["a"] * 2, "asked": [NOON + 1000 * MINUTE, NOON + 995 * MINUTE]}, schema={"key": pl.String, "asked": SCHEMA["at"]}
    )
    assert answer(plan, store, spine).equals(compute(plan, spine.lazy(), {"events": events(0, 1000).lazy()}))


def test_latest_holds_a_few_segments_a_key():
    plan, store = planned(text=latest(EVENTS, "text", by="key")), MemoryStore()
    writer = StateWriter(group_layouts([plan]), {}, Sizes(segment_bytes=400))
    for start in range(0, 1000, 7):
        store.commit(writer.changes(0, events(start, start + 7), microseconds(start), store))
    assert sum(stored_rows(plan, store)) <= 50


def test_sweeping_goes_through_all_groups_and_keys_and_touches_no_other_partition():
    plan, store = (
        planned(count=window(EVENTS, count(), by="key", over="50m"), text=latest(EVENTS, "text", by={"key": "text"})),
        MemoryStore(),
    )
    writer = StateWriter(group_layouts([plan]), {})
    for partition in (0, 1):
        for number in range(20):
            store.commit(writer.changes(partition, events(0, 5, key=f"k{number}"), None, store))
    windows = next(layout for layout in writer.layouts if layout.keys[0][0] == "key")
    for _ in range(30):
        commit = writer.sweep(store, microseconds(200), {1}, most=3)
        if commit is not None:
            store.commit(commit)
    assert {name[:2] for _, fields in store.walk(windows.space).records for name, _ in fields} == {b"\x00\x00"}
    writer.forget()
    store.commit(writer.changes(1, events(5, 6, key="k1"), microseconds(200), store))
    assert len(store.walk(windows.space).records) == 20


class FailsOnce(MemoryStore):
    """A store that is away when its records are asked for the second time."""

    asked = 0

    def fields(self, keys, prefix=b""):
        self.asked += 1
        if self.asked == 2:
            raise StoreFault("read", "the store", ConnectionError("gone"))
        return super().fields(keys, prefix)


def test_rows_are_there_once_if_the_store_was_away_between_two_groups():
    plan, store = planned(count=window(EVENTS, count(), by="key", over="50m"), text=latest(EVENTS, "text", by={"key": "text"})), FailsOnce()
    writer = StateWriter(group_layouts([plan]), {})
    with pytest.raises(StoreFault):
        writer.changes(0, events(0, 3), None, store)
    store.commit(writer.changes(0, events(0, 3), None, store))
    spine = pl.DataFrame({"key": ["a"], "asked": [NOON + 9 * MINUTE]}, schema={"key": pl.String, "asked": SCHEMA["at"]})
    assert answer(plan, store, spine)["count"].to_list() == [3]


class Moving(MemoryStore):
    """A store whose horizon moves, and rows with it, whenever somebody is about to read."""

    def read(self, keys, marks=()):
        self.move()
        return super().read(keys, marks)


def test_a_question_whose_rows_are_dropped_while_it_is_answered_is_refused():
    plan, store = planned(count=window(EVENTS, count(), by="key", over="5m")), Moving()
    writer = StateWriter(group_layouts([plan]), {})
    store.commit(writer.changes(0, events(0, 100), None, store))

    def move():
        dropping = writer.sweep(store, microseconds(90), {0}) or Commit()
        marks = {position_mark("events", 0): Position(horizon_us=microseconds(90)).to_bytes()}
        store.commit(msgspec.structs.replace(dropping, marks=marks))

    store.move = move
    spine = pl.DataFrame({"key": ["a"], "asked": [NOON + 10 * MINUTE]}, schema={"key": pl.String, "asked": SCHEMA["at"]})
    with pytest.raises(AskedBeforeState):
        answer(plan, store, spine)


def test_a_row_that_nobody_sees_is_not_kept():
    plan, store = planned(count=window(EVENTS, count(), by="key", over="50m", where=col("text") == "text 3")), MemoryStore()
    rows = pl.concat([events(0, 9), events(3, 4).with_columns(key=pl.lit(None, pl.String))])
    store.commit(StateWriter(group_layouts([plan]), {}).changes(0, rows, None, store))
    assert stored_rows(plan, store) == [1]


def test_a_row_that_is_too_old_still_hides_one_of_another_partition():
    """It came to be known later, and happened earlier: there is no value, and there must not be one when it is dropped."""
    told = Events("events", source=File("e.csv"), time="at", known="seen")
    features = Features(
        spine=Events("q", source=File("q.csv"), time="asked"), given=list(SPINE), as_of="asked",
        values={"text": latest(told, "text", by="key", max_age="8m")},
    )  # fmt: skip
    plan, store = FeaturePlan.build(features, SPINE, {"events": {**TYPES, "seen": DType.DATETIME}}), MemoryStore()
    writer = StateWriter(group_layouts([plan]), {})
    rows = [events(number, number + 1).with_columns(seen=pl.lit(NOON + seen * MINUTE)) for number, seen in ((10, 10), (1, 11))]
    for partition in (0, 1):
        store.commit(writer.changes(partition, rows[partition], None, store))
    for minutes in range(12, 30):
        for partition in (0, 1):
            commit = writer.sweep(store, microseconds(minutes), {partition})
            if commit is not None:
                store.commit(commit)
        spine = pl.DataFrame({"key": ["a"], "asked": [NOON + minutes * MINUTE]}, schema={"key": pl.String, "asked": SCHEMA["at"]})
        assert answer(plan, store, spine)["text"].to_list() == [None]
    assert stored_rows(plan, store) == []
