"""History replayed: what is asked again, and that a wrong value is found and told."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import polars as pl
import pytest

from headrace.expressions import DType, col, count
from headrace.features.errors import MissingTable
from headrace.features.frames import Bounds
from headrace.features.parity import merged
from headrace.features.plan import FeaturePlan
from headrace.features.replaying.replay import Asked, History, replay
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.positions import position_mark, read_position
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events

START, HOUR = datetime(2024, 1, 1, tzinfo=UTC), timedelta(hours=1)
SALES = Events("sales", source=File("s.csv"), time="at")
SHOPS = Entity("shops", source=File("p.csv"), key="shop")
TYPES = {
    "sales": {"shop": DType.STRING, "at": DType.DATETIME, "amount": DType.INT},
    "shops": {"shop": DType.STRING, "size": DType.INT},
}
FEATURES = Features(
    spine=SALES, as_of="at", given=["shop", "at"],
    values={
        "day": window(SALES, col("amount").sum(), by="shop", over="1d"),
        "sales": window(SALES, count(), by="shop", over="1d"),
        "last": latest(SALES, "amount", by="shop"),
        "size": latest(SHOPS, "size", by="shop"),
    },
)  # fmt: skip
PLAN = FeaturePlan.build(FEATURES, TYPES["sales"], TYPES)
ROWS = pl.LazyFrame(
    {"shop": ["a", "b"] * 100, "at": [START + number * HOUR for number in range(200)], "amount": list(range(200)), "_arrival": range(200)},
    schema_overrides={"at": pl.Datetime("us", "UTC"), "_arrival": pl.Int64},
)
SIZES = pl.LazyFrame({"shop": ["a"], "size": [7], "_arrival": [0]})
HISTORY = History(PLAN, ROWS, {"sales": ROWS, "shops": SIZES}, {"sales": pl.col("at")})


def compared(folder, asked=Asked(), store=None, history=HISTORY):
    """The last lot, and all of them together."""
    lots = list(replay(history, asked, store or MemoryStore(), Bounds(folder), questions_at_once=16))
    stream, online = (), ()
    for lot in lots:
        stream, online = merged(stream, lot.stream), merged(online, lot.online)
    return lots, {each.feature: each for each in stream}, {each.feature: each for each in online}


class Corrupting(MemoryStore):
    """Keeps one amount otherwise than it was: a bit of the value of one row is turned."""

    def commit(self, commit):
        changed = [(field, self._turned(value) if field.key == SHOP_B and not self.done else value) for field, value in commit.put]
        super().commit(msgspec.structs.replace(commit, put=changed))

    done = False

    def _turned(self, value):
        words = np.frombuffer(value, "<i8").copy()
        if words[0] < 10:
            return value
        self.done = True
        words[-1] ^= 1 << 20  # the last word of the last row is its amount
        return words.tobytes()


SHOP_B = msgspec.msgpack.encode(("b",))


def test_every_question_is_asked_again_and_every_value_compared(tmp_path):
    store = MemoryStore()
    lots, stream, online = compared(tmp_path, store=store)
    assert (lots[0].total, lots[-1].done, len(lots)) == (200, 200, 13)
    assert (lots[0].first, lots[-1].last) == (START, START + 199 * HOUR)
    for found in (stream, online):
        assert {name: (each.rows, each.mismatches) for name, each in found.items()} == dict.fromkeys(PLAN.values, (200, 0))
    assert {name: each.nulls for name, each in stream.items()} == {"day": 2, "sales": 0, "last": 2, "size": 100}
    kept = read_position(store.marks(position_mark("sales", 0))[position_mark("sales", 0)])
    assert kept.accepted == 199  # nobody asks after the last one
    assert not list(tmp_path.iterdir())


def test_what_is_kept_is_what_questions_still_need(tmp_path):
    store = MemoryStore()
    compared(tmp_path, store=store)
    records = [len(value) for space in store._spaces.values() for record in space.values() for value in record.values()]
    assert 0 < sum(records) < 2 * (60 * 8 * 8)  # two shops, some days of a row each hour and not the two hundred of all


def test_a_value_that_was_changed_in_the_store_is_found_and_told(tmp_path):
    _, stream, online = compared(tmp_path, store=Corrupting())
    for found in (stream, online):
        assert found["day"].mismatches > 0
        assert found["sales"].mismatches == found["size"].mismatches == 0
        first = found["day"].examples[0]
        assert first.question["shop"] == "b"
        assert isinstance(first.question["as of"], datetime)
        assert abs(first.found - first.expected) == 1 << 20
        assert found["day"].worst > 0.9


@pytest.mark.parametrize(
    ("asked", "rows", "first", "last"),
    [
        (Asked(since=START + 50 * HOUR), 150, 50, 199),
        (Asked(until=START + 50 * HOUR), 50, 0, 49),
        (Asked(START + 50 * HOUR, START + 60 * HOUR), 10, 50, 59),
        (Asked(rows=4), 4, 49, 199),
        (Asked(rows=1000), 200, 0, 199),
        (Asked(since=START + 1000 * HOUR), 0, None, None),
    ],
)
def test_some_of_the_questions_are_asked(tmp_path, asked, rows, first, last):
    lots, stream, _ = compared(tmp_path, asked)
    assert lots[-1].done == lots[-1].total == stream["day"].rows == rows
    assert [each.mismatches for each in stream.values()] == [0] * 4
    if rows:
        assert (lots[0].first, lots[-1].last) == (START + first * HOUR, START + last * HOUR)


def test_features_without_lookups_are_compared_too(tmp_path):
    features = Features(spine=SALES, given=["shop", "at"], values={"hour": col("at").hour(), "upper": col("shop").upper()})
    history = History(FeaturePlan.build(features, TYPES["sales"], TYPES), ROWS, {}, {})
    lots, stream, online = compared(tmp_path, history=history)
    assert (lots[-1].first, lots[-1].last) == (None, None)
    assert [(each.rows, each.mismatches) for each in (*stream.values(), *online.values())] == [(200, 0)] * 4


def test_a_table_that_is_not_there_is_told(tmp_path):
    with pytest.raises(MissingTable, match="'shops'"):
        compared(tmp_path, history=History(PLAN, ROWS, {"sales": ROWS}, HISTORY.moments))
