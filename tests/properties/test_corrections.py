"""The law of corrections: one that arrives late changes nothing as of before its arrival, and changes what comes after.

A correction is a row. Of a thing (`hr.Entity`) it is another row of the same key, of facts (`hr.Events`) one with an id of its own, which
says by how much a fact was wrong. Whatever is asked as of before it became known is answered as if it had never come: in batch, by a state
that was published with it in the table, and by the one that follows a stream, many questions at once and one at a time.
"""

import os
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.expressions import DType, col, count
from headrace.features.batch import compute
from headrace.features.online import OnlineFeatures
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.layout import group_layouts
from headrace.features.stream.live import LiveFeatures
from headrace.features.stream.reading import answer
from headrace.features.stream.writing import StateWriter
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events

EXAMPLES = int(25 * float(os.environ.get("HEADRACE_EXAMPLES", "1")))
START, DAY = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1)
MOMENT = pl.Datetime("us", "UTC")
TYPES = {
    "k": DType.STRING, "x": DType.INT, "op": DType.STRING, "time": DType.DATETIME, "written": DType.DATETIME, "_arrival": DType.INT,
    "_ingested": DType.DATETIME,
}  # fmt: skip
SCHEMA = {"k": pl.String, "x": pl.Int64, "op": pl.String, "time": MOMENT, "written": MOMENT, "_arrival": pl.Int64, "_ingested": MOMENT}
KEYS = "pq"


def planned(known):
    things = Entity("t", source=File("t.csv"), key="k", time="time", known=known, deleted=col("op") == "d")
    facts = Events("t", source=File("t.csv"), time="time", known=known)
    values = {
        "newest": latest(things, "x", by="k"), "young": latest(things, "x", by="k", max_age="5d"),
        "changes": window(things, count(), by="k", over="9d"), "sum": window(facts, col("x").sum(), by="k", over="30d"),
        "tiled": window(facts, col("x").max(), by="k", over="3d", hop="2d"), "rows": window(facts, count(), by="k", over="3d"),
    }  # fmt: skip
    features = Features(spine=Events("q", source=File("q.csv"), time="asked"), given=["k", "asked"], as_of=col("asked"), values=values)
    return FeaturePlan.build(features, {"k": DType.STRING, "asked": DType.DATETIME}, {"t": TYPES})


PLANS = {known: planned(known) for known in (None, "written", "ingested")}
KNOWN = {None: "time", "written": "written", "ingested": "_ingested"}


def by_batch(plan, rows, moment):
    spine = pl.LazyFrame([{"k": key, "asked": moment} for key in KEYS], schema={"k": pl.String, "asked": MOMENT})
    return compute(plan, spine, {"t": pl.LazyFrame(rows, schema=SCHEMA)}).to_dicts()


def by_published_state(plan, rows, moment):
    online = OnlineFeatures(plan, build_state(plan, {"t": pl.LazyFrame(rows, schema=SCHEMA)}, as_of=moment))
    return [online.compute({"k": key}, moment) for key in KEYS]


def stored(plan, rows):
    """Rows come in two micro-batches, over two partitions, and are kept by key."""
    store, writer = MemoryStore(), StateWriter(group_layouts([plan]), plan.functions)
    half = len(rows) // 2
    for partition, some in enumerate((rows[:half], rows[half:])):
        store.commit(writer.changes(partition, pl.DataFrame(some, schema=SCHEMA), None, store))
    return store


def by_stream(plan, rows, moment):
    spine = pl.DataFrame({"k": list(KEYS), "asked": [moment] * len(KEYS)}, schema={"k": pl.String, "asked": MOMENT})
    return answer(plan, stored(plan, rows), spine).to_dicts()


def by_live_state(plan, rows, moment):
    live = LiveFeatures(plan, stored(plan, rows), None, ["t"])
    return [live.compute({"k": key}, moment) for key in KEYS]


EXECUTIONS = {"batch": by_batch, "published": by_published_state, "stream": by_stream, "live": by_live_state}

HOURS = st.integers(0, 24 * 20).map(lambda hours: timedelta(hours=hours))
LATENESS = st.sampled_from([0, 1, 24, 30]).map(lambda hours: timedelta(hours=hours))


@st.composite
def written(draw, start=START):
    time = start + draw(HOURS)
    known = time + draw(LATENESS)
    row = {"k": draw(st.sampled_from(KEYS)), "x": draw(st.integers(-9, 9)), "op": draw(st.sampled_from("uud")), "time": time}
    return {**row, "written": known, "_ingested": known + draw(LATENESS)}


@pytest.mark.parametrize("execution", EXECUTIONS)
@given(rows=st.lists(written(), max_size=12), data=st.data())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_correction_counts_from_its_arrival_on(execution, rows, data):
    known = data.draw(st.sampled_from(list(KNOWN)))
    ask, plan, column = EXECUTIONS[execution], PLANS[known], KNOWN[known]
    correction = data.draw(written())
    place = data.draw(st.integers(0, len(rows)))  # it may stand anywhere in the table
    before, after = (
        [{**row, "_arrival": number} for number, row in enumerate(each)] for each in (rows, [*rows[:place], correction, *rows[place:]])
    )
    arrival = correction[column]
    moments = data.draw(st.lists(HOURS.map(lambda since: START + since), max_size=4))

    for moment in [*moments, arrival]:
        if moment <= arrival:
            assert ask(plan, after, moment) == ask(plan, before, moment)

    moment = arrival + timedelta(microseconds=1)
    told, untold = ask(plan, after, moment)[KEYS.index(correction["k"])], ask(plan, before, moment)[KEYS.index(correction["k"])]
    gone = correction["op"] == "d"
    if all(row[column] < arrival or row["k"] != correction["k"] for row in rows):
        assert told["newest"] == (None if gone else correction["x"])
    assert told["changes"] == untold["changes"] + (not gone)
    assert told["sum"] == (untold["sum"] or 0) + correction["x"]
    assert told["rows"] == untold["rows"] + 1


@pytest.mark.parametrize("execution", EXECUTIONS)
def test_a_correction_that_comes_a_day_late(execution):
    """A shop's size was 4 all along; that it had been written down wrong is found on the third, and told on the fourth."""
    ask, plan = EXECUTIONS[execution], PLANS["written"]
    first = {"k": "p", "x": 40, "op": "u", "time": START, "written": START, "_arrival": 0, "_ingested": START}
    correction = {**first, "x": 4, "time": START + 2 * DAY, "written": START + 3 * DAY, "_arrival": 1}
    gone = {**correction, "op": "d", "x": None, "time": None, "written": START + 5 * DAY, "_arrival": 2}
    newest = [ask(plan, [first, correction, gone], START + days * DAY + timedelta(hours=1))[0]["newest"] for days in range(7)]
    assert newest == [40, 40, 40, 4, 4, None, None]
