"""One row from a store that is written meanwhile: what property tests do not reach."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event, Timer

import msgspec
import polars as pl
import pytest

from headrace.core.clock import FixedClock
from headrace.expressions import DType, col, count
from headrace.features.batch import compute
from headrace.features.errors import AskedBeforeState, NotFollowed, StateMismatch
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.features.stores.contract import Commit
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.layout import group_layouts
from headrace.features.stream.live import LiveFeatures
from headrace.features.stream.positions import Position, filled_mark, position_mark
from headrace.features.stream.reading import answer
from headrace.features.stream.writing import StateWriter
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events

NOON = datetime(2013, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MOMENT = pl.Datetime("us", "UTC")
EVENTS = Events("events", source=File("e.csv"), time="at")
THINGS = Entity("things", source=File("t.csv"), key="key")
TYPES = {
    "events": {"key": DType.STRING, "other": DType.STRING, "at": DType.DATETIME, "text": DType.STRING},
    "things": {"key": DType.STRING, "colour": DType.STRING},
}
SPINE = {"key": DType.STRING, "second": DType.STRING, "asked": DType.DATETIME}
VALUES = {
    "count": window(EVENTS, count(), by="key", over="2h"),
    "by other": window(EVENTS, col("text").max(), by={"second": "other", "key": "key"}, over="9h"),
    "swapped": latest(EVENTS, "text", by={"key": "other", "second": "key"}),
    "colour": latest(THINGS, "colour", by="key"),
}
ROWS = [("a", "b", 0, "x" * 500), ("a", "b", 1, "é"), ("b", "a", 1, "q"), ("a", "c" * 999, 2, "z")]
EVENT_ROWS = pl.DataFrame(
    [{"key": key, "other": other, "at": NOON + hours * HOUR, "text": text} for key, other, hours, text in ROWS],
    schema={"key": pl.String, "other": pl.String, "at": MOMENT, "text": pl.String},
).with_columns(_arrival=pl.Series(range(4), dtype=pl.Int64), _ingested=pl.col("at"))
THING_ROWS = pl.DataFrame({"key": ["a"], "colour": ["red"], "_arrival": [0]})
TABLES = {"events": EVENT_ROWS.lazy(), "things": THING_ROWS.lazy()}
PLAN = FeaturePlan.build(
    Features(spine=Events("q", source=File("q.csv"), time="asked"), given=list(SPINE), as_of="asked", values=VALUES), SPINE, TYPES
)
QUESTIONS = [("a", "b"), ("b", "a"), ("a", "c" * 999), (None, "b"), ("nobody", "b")]


def microseconds(moment):
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.fixture
def store():
    """Follows the events: two rows of partition 0 and two of partition 1."""
    store = MemoryStore()
    writer = StateWriter([layout for layout in group_layouts([PLAN]) if layout.table == "events"], {})
    for partition, rows in enumerate((EVENT_ROWS[:2], EVENT_ROWS[2:])):
        commit = writer.changes(partition, rows, None, store)
        store.commit(msgspec.structs.replace(commit, marks=mark(partition, watermark_us=microseconds(NOON + partition * HOUR))))
    return store


def mark(partition, **said):
    return {position_mark("events", partition): Position(**said).to_bytes()}


def live(store, **options):
    return LiveFeatures(PLAN, store, build_state(PLAN, TABLES, as_of=NOON), ["events"], **options)


def test_what_is_followed_and_what_is_published_are_answered_together(store):
    asked = NOON + 3 * HOUR
    rows = [{"key": key, "second": second, "asked": asked} for key, second in QUESTIONS]
    spine = pl.DataFrame(rows, schema={"key": pl.String, "second": pl.String, "asked": MOMENT})
    expected = compute(PLAN, spine.lazy(), TABLES)
    assert expected["count"].to_list() == [2, 1, 2, 0, 0]
    assert expected["swapped"].to_list() == ["q", "é", None, None, None]
    features = live(store)
    assert [features.compute(row, asked) for row in rows] == expected.to_dicts()
    assert answer(PLAN, store, spine, tables={"things": TABLES["things"]}).equals(expected)


def test_at_no_time_only_what_has_none_is_known(store):
    assert live(store).compute({"key": "a", "second": "b"}, None) == {"count": None, "by other": None, "swapped": None, "colour": "red"}


def test_freshness_is_that_of_the_partition_furthest_behind_unless_it_is_idle(store):
    row = {"key": "a", "second": "b"}
    features = live(store, clock=FixedClock(NOON + 5 * HOUR))
    assert features.answer([row], NOON + 3 * HOUR).watermarks == {"events": NOON}
    idle = mark(0, watermark_us=microseconds(NOON), active_until_us=microseconds(NOON + 4 * HOUR))
    store.commit(Commit(marks=idle))
    assert features.answer([row], NOON + 3 * HOUR).watermarks == {"events": NOON + HOUR}


def test_nothing_is_known_of_a_table_that_nobody_has_followed_yet():
    answered = live(MemoryStore()).answer([{"key": "a", "second": "b"}], NOON)
    assert answered.watermarks == {"events": None}
    assert answered.values == [{"count": 0, "by other": None, "swapped": None, "colour": "red"}]


def test_a_question_before_the_horizon_is_refused(store):
    store.commit(Commit(marks=mark(1, horizon_us=microseconds(NOON + HOUR))))
    row = {"key": "a", "second": "b"}
    assert live(store).compute(row, NOON + HOUR)["count"] == 1
    with pytest.raises(AskedBeforeState, match="'events' is kept for questions"):
        live(store).compute(row, NOON + HOUR - timedelta(microseconds=1))


def test_a_horizon_before_the_year_1_hinders_no_question(store):
    store.commit(Commit(marks=mark(1, horizon_us=microseconds(NOON) - timedelta(days=3_652_425) // timedelta(microseconds=1))))
    assert live(store).compute({"key": "a", "second": "b"}, NOON + HOUR)["count"] == 1


class Slow(MemoryStore):
    """A store whose marks take a while."""

    def __init__(self):
        super().__init__()
        self.asked, self.goes_on = Event(), Event()

    def marks(self, prefix):
        self.asked.set()
        assert self.goes_on.wait(60)
        return super().marks(prefix)


def test_a_question_before_the_horizon_is_refused_while_another_one_still_looks_for_it():
    store, row = Slow(), {"key": "a", "second": "b"}
    store.commit(Commit(marks=mark(0, horizon_us=microseconds(NOON + HOUR))))
    features = live(store)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(features.compute, row, NOON + HOUR)
        assert store.asked.wait(60)
        second = pool.submit(features.compute, row, NOON)
        Timer(0.2, store.goes_on.set).start()
        with pytest.raises(AskedBeforeState):
            second.result(60)
        assert first.result(60)["count"] == 0


def test_several_rows_are_read_in_one_go_and_answered_as_each_by_itself(store):
    asked = NOON + 3 * HOUR
    rows = [{"key": key, "second": second, "asked": asked} for key, second in QUESTIONS * 2]
    features, reads = live(store), []
    read = store.read
    store.read = lambda keys, marks=(): reads.append(keys) or read(keys, marks)
    assert features.answer(rows, asked).values == [features.compute(row, asked) for row in rows]
    assert len(reads) == 1 + len(rows)
    assert len(reads[0]) == len(set(reads[0])) > 5


def test_a_group_that_is_not_filled_is_told_rather_than_answered_from(store):
    features, row = live(store, filled={}), {"key": "a", "second": "b"}
    with pytest.raises(NotFollowed, match="'events'"):
        features.compute(row, NOON + HOUR)
    spaces = {layout.space for layout in group_layouts([PLAN]) if layout.table == "events"}
    marks = {filled_mark(space, partition): b"1" for space in spaces for partition in (0, 1)}
    store.commit(Commit(marks=marks))
    assert features.compute(row, NOON + HOUR)["count"] == 1
    store.commit(Commit(marks={next(iter(marks)): None}))
    with pytest.raises(NotFollowed, match="'events'"):
        features.compute(row, NOON + HOUR)
    with pytest.raises(NotFollowed, match="'events'"):
        live(MemoryStore(), filled={}).followed.newest()


def test_a_partition_that_had_rows_and_has_no_position_is_told_rather_than_left_out(store):
    """The state was lost, and this worker or another has made the other partitions of the table again."""
    spaces = {layout.space for layout in group_layouts([PLAN]) if layout.table == "events"}
    store.commit(Commit(marks={filled_mark(space, partition): b"1" for space in spaces for partition in (0, 1)}))
    row = {"key": "a", "second": "b"}
    assert live(store, filled={"events": (0, 1)}).compute(row, NOON + HOUR)["count"] == 1
    features = live(store, filled={"events": (0, 1, 2)})
    with pytest.raises(NotFollowed, match="'events'"):
        features.compute(row, NOON + HOUR)
    made_again = {**mark(2), **{filled_mark(space, 2): b"1" for space in spaces}}
    store.commit(Commit(marks=made_again))
    assert features.compute(row, NOON + HOUR)["count"] == 1


def test_the_published_state_must_hold_what_is_not_followed(store):
    with pytest.raises(StateMismatch, match="things"):
        LiveFeatures(PLAN, store, None, ["events"])


def test_groups_are_the_same_whatever_the_order_and_the_names_of_the_spine():
    backwards = dict(reversed(VALUES.items()))
    features = Features(spine=Events("q", source=File("q.csv"), time="asked"), given=list(SPINE), as_of="asked", values=backwards)
    again = FeaturePlan.build(features, SPINE, TYPES)
    assert {layout.space for layout in group_layouts([again])} == {layout.space for layout in group_layouts([PLAN])}
    assert len(group_layouts([PLAN, again])) == 3


def test_one_row_is_answered_without_polars():
    code = "import sys, headrace.features.stream.live; assert not {'polars', 'lightgbm', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
