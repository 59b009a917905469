"""Batch, state and online on small tables whose answers are plain to see."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest

from headrace.expressions import DType, col, count, lit, udf
from headrace.features.batch import assemble, compute, lookup_column
from headrace.features.errors import AskedBeforeState, FeatureError, MissingTable, StateMismatch
from headrace.features.online import OnlineFeatures
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.features.state import FeatureState
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events

NOON = datetime(2013, 5, 1, 12, tzinfo=UTC)
MOMENT = pl.Datetime("us", "UTC")
TYPES = {"key": DType.STRING, "at": DType.DATETIME, "seen": DType.DATETIME, "x": DType.FLOAT, "n": DType.INT, "text": DType.STRING}
SPINE = {"key": DType.STRING, "asked": DType.DATETIME}
EVENTS = Events("events", source=File("e.csv"), time="at", known="seen")
THINGS = Entity("things", source=File("t.csv"), key="key")


def hour(number):
    return NOON + timedelta(hours=number)


def record(key, at, seen, x):
    whole = None if x is None else int(max(min(x, 2.0**62), -(2.0**62)))
    text = None if x is None else f"t{x:.0f}"
    return {"key": key, "at": hour(at), "seen": None if seen is None else hour(seen), "x": x, "n": whole, "text": text}


def rows(*records):
    """Rows of (key, at, seen, x), in order of arrival; `n` and `text` follow x."""
    schema = {"key": pl.String, "at": MOMENT, "seen": MOMENT, "x": pl.Float64, "n": pl.Int64, "text": pl.String}
    frame = pl.LazyFrame([record(*each) for each in records], schema=schema)
    return frame.with_row_index("_arrival").cast({"_arrival": pl.Int64})


def spine(*asked):
    return pl.LazyFrame(
        [{"key": k, "asked": None if at is None else hour(at)} for k, at in asked], schema={"key": pl.String, "asked": MOMENT}, orient="row"
    )


def planned(**values):
    return FeaturePlan.build(
        Features(spine=Events("asks", source=File("a.csv"), time="asked"), given=["key", "asked"], as_of="asked", values=values),
        SPINE, {"events": TYPES, "things": TYPES},
    )  # fmt: skip


def answers(table, questions, **values):
    return compute(planned(**values), questions, {"events": table, "things": table}).to_dict(as_series=False)


@pytest.mark.parametrize("name", ["class", 'it\'s "so"', "back\\slash", "new\nline", "{get}", "größe", "\u2028", "moment", "place0"])
def test_given_columns_may_be_called_anything(name):
    values = {"x": latest(EVENTS, "x", by={name: "key"}), "n": window(EVENTS, count(), by={name: "key"}, over="1d"), "same": col(name)}
    features = Features(spine=Events("asks", source=File("a.csv"), time="asked"), given=[name, "asked"], as_of="asked", values=values)
    plan, table = FeaturePlan.build(features, {name: DType.STRING, "asked": DType.DATETIME}, {"events": TYPES}), rows(("a", 0, 0, 1.0))
    expected = {"x": 1.0, "n": 1, "same": "a"}
    asked = spine(("a", 1)).rename({"key": name})
    assert compute(plan, asked, {"events": table}).row(0, named=True) == expected
    assert OnlineFeatures(plan, build_state(plan, {"events": table}, hour(1))).compute({name: "a"}, hour(1)) == expected


def test_an_event_never_sees_itself_and_the_left_edge_is_closed():
    table = rows(("a", 0, 0, 1.0), ("a", 1, 1, 2.0), ("a", 2, 2, 4.0))
    found = answers(table, spine(("a", 2), ("a", 3), ("a", 0)), total=window(EVENTS, col("x").sum(), by="key", over="2h"))
    assert found["total"] == [3.0, 6.0, None]


def test_a_late_value_is_invisible_before_its_arrival():
    table = rows(("a", 0, 5, 1.0))
    found = answers(
        table,
        spine(("a", 5), ("a", 6), ("a", 7), ("a", 8)),
        seen=window(EVENTS, count(), by="key", over="2h"),
        x=latest(EVENTS, "x", by="key"),
    )
    assert found == {"seen": [0, 1, 1, 0], "x": [None, 1.0, 1.0, 1.0]}


def test_a_hop_moves_the_left_edge_to_midnight():
    table = rows(("a", -12, -12, 1.0), ("a", -13, -13, 2.0))
    found = answers(
        table,
        spine(("a", 6)),
        exact=window(EVENTS, count(), by="key", over="12h"),
        tiled=window(EVENTS, count(), by="key", over="12h", hop="1d"),
    )
    assert found == {"exact": [0], "tiled": [1]}


def test_max_age_is_measured_on_time_not_on_knowledge():
    table = rows(("a", 0, 5, 1.0))
    found = answers(
        table, spine(("a", 6)), old=latest(EVENTS, "x", by="key", max_age="5h"), new=latest(EVENTS, "x", by="key", max_age="6h")
    )
    assert found == {"old": [None], "new": [1.0]}


def test_ties_go_by_time_then_by_arrival_and_a_null_is_a_value():
    table = rows(("a", 2, 3, 5.0), ("a", 1, 3, 6.0), ("b", 1, 3, 1.0), ("b", 1, 3, None))
    found = answers(
        table, spine(("a", 4), ("b", 4)), newest=latest(EVENTS, "x", by="key"), last=window(EVENTS, col("x").last(), by="key", over="1d")
    )
    assert found == {"newest": [5.0, None], "last": [5.0, 1.0]}


def test_a_delete_leaves_nothing_until_the_next_row():
    gone = Entity("events", source=File("e.csv"), key="key", time="at", known="seen", deleted=col("n") < 0)
    table = rows(("a", 0, 0, 1.0), ("a", 2, 3, -1.0), ("a", 5, 5, 2.0), ("b", 0, 0, None))
    asked = spine(("a", 3), ("a", 4), ("a", 6), ("b", 1))
    found = answers(table, asked, x=latest(gone, "x", by="key"), n=window(gone, count(), by="key", over="1d"))
    assert found == {"x": [1.0, None, 2.0, None], "n": [1, 1, 2, 1]}


def test_a_thing_without_time_is_gone_with_its_newest_row():
    gone = Entity("things", source=File("t.csv"), key="key", deleted=col("n") < 0)
    table = rows(("a", 0, 0, 1.0), ("a", 0, 0, -1.0), ("b", 0, 0, -1.0), ("b", 0, 0, 2.0))
    plan = planned(x=latest(gone, "x", by="key"))
    online = OnlineFeatures(plan, build_state(plan, {"things": table}, NOON))
    assert answers(table, spine(("a", 1), ("b", 1)), x=latest(gone, "x", by="key")) == {"x": [None, 2.0]}
    assert [online.compute({"key": key}, NOON) for key in "ab"] == [{"x": None}, {"x": 2.0}]


def test_no_row_of_the_spine_is_dropped_or_moved():
    table = rows(("a", 0, 0, 1.0), ("a", 0, 0, 2.0), (None, 0, 0, 9.0), ("a", 0, None, 9.0))
    asked = spine(("z", 1), ("a", 1), (None, 1), ("a", None), ("a", 1))
    found = answers(
        table, asked, n=window(EVENTS, count(), by="key", over="1d"), x=latest(EVENTS, "x", by="key"), thing=latest(THINGS, "x", by="key")
    )
    assert found == {"n": [0, 2, 0, None, 2], "x": [None, 2.0, None, None, 2.0], "thing": [None, 9.0, None, 9.0, 9.0]}


@pytest.mark.parametrize("kind", ["count", "sum", "mean", "var", "std", "min", "max", "first", "last", "distinct"])
def test_the_empty_window(kind):
    for argument in ("x", "n") if kind in ("sum", "mean", "var", "std") else ("x", "n", "text", "at"):
        aggregate = getattr(col(argument), kind)()
        for table in (rows(), rows(("a", 0, 0, None)) if argument != "at" else rows(("b", 0, 0, None))):
            assert answers(table, spine(("a", 1)), v=window(EVENTS, aggregate, by="key", over="1d"))["v"] == [
                0 if kind in ("count", "distinct") else None
            ]


def test_an_empty_spine_and_quantiles_of_nothing():
    values = {"q": window(EVENTS, col("x").quantile(0.5), by="key", over="1d"), "c": lit(1)}
    assert answers(rows(), spine(("a", 1)), **values) == {"q": [None], "c": [1]}
    assert answers(rows(("a", 0, 0, 1.0)), spine(), **values) == {"q": [], "c": []}


def test_a_constant_condition_and_a_constant_feature_fill_every_row():
    table = rows(("a", 0, 0, 1.0), ("a", 0, 0, 2.0))
    found = answers(table, spine(("a", 1), ("b", 1)), n=window(EVENTS, count(), by="key", over="1d", where=lit(True)), c=lit("c"))
    assert found == {"n": [2, 0], "c": ["c", "c"]}


def test_columns_can_be_computed_one_by_one():
    plan = planned(x=latest(EVENTS, "x", by="key"), twice=latest(EVENTS, "x", by="key") * 2)
    table, asked = rows(("a", 0, 0, 3.0)), spine(("a", 1))
    column = lookup_column(plan, "lookup_0", asked, table)
    assert column.to_dict(as_series=False) == {"lookup_0": [3.0]}
    assert assemble(plan, asked, {"lookup_0": column["lookup_0"]}).to_dicts() == [{"x": 3.0, "twice": 6.0}]


def test_many_rows_are_answered_in_parts(monkeypatch):
    monkeypatch.setattr("headrace.features.answering._ROWS_AT_ONCE", 2)
    table = rows(*[("a", number, number, float(number)) for number in range(5)])
    found = answers(table, spine(*[("a", number) for number in range(5)]), x=latest(EVENTS, "x", by="key"))
    assert found["x"] == [None, 0.0, 1.0, 2.0, 3.0]


def test_a_missing_table_is_named():
    plan = planned(x=latest(EVENTS, "x", by="key"))
    with pytest.raises(MissingTable, match="'events', which was not supplied") as raised:
        compute(plan, spine(("a", 1)), {"event": rows()})
    assert "Did you mean 'event'?" in raised.value.remedy


# ---- state and online -------------------------------------------------------------------------------------------------------------

VALUES = {
    "x": latest(EVENTS, "x", by="key", max_age="9h"),
    "text": latest(EVENTS, "text", by="key"),
    "thing": latest(THINGS, "at", by="key"),
    "mean": window(EVENTS, col("x").mean(), by="key", over="3h", hop="2h"),
    "least": window(EVENTS, col("text").min(), by="key", over="3h"),
    "kinds": window(EVENTS, col("text").distinct(), by="key", over="1d"),
}
HISTORY = rows(("a", -9, -9, 1.0), ("a", -2, -2, 5.0), ("a", -2, -1, 4.0), ("a", 0, 0, 7.0), ("b", -20, -20, 2.0), ("c", 1, 1, 3.0))


def published():
    plan = planned(**VALUES)
    return plan, build_state(plan, {"events": HISTORY, "things": HISTORY}, NOON)


def test_a_state_keeps_what_questions_can_need_and_no_more():
    plan, state = published()
    kept = dict(zip([lookup.label for lookup in plan.lookups], [table.num_rows for table in state.rows.values()], strict=True))
    assert list(kept.values()) == [1, 2, 3, 2, 2, 4]
    assert len(state.keys) == 2
    assert state.size_bytes > 0


def test_a_state_survives_the_disk(tmp_path):
    plan, state = published()
    state.save(tmp_path / "state")
    read = FeatureState.load(tmp_path / "state")
    assert read.moment == NOON
    assert read.slots == state.slots
    assert all(read.rows[slot].equals(table) for slot, table in state.rows.items())
    row = {"key": "a", "asked": NOON}
    expected = {"x": 4.0, "text": "t4", "thing": NOON, "mean": 4.5, "least": "t4", "kinds": 3}
    assert OnlineFeatures(plan, read).compute(row, NOON) == expected
    assert compute(plan, spine(("a", 0)), {"events": HISTORY, "things": HISTORY}).to_dicts() == [expected]


def test_a_folder_without_a_state_says_so(tmp_path):
    with pytest.raises(FeatureError, match="there is no feature state"):
        FeatureState.load(tmp_path)
    _, state = published()
    state.save(tmp_path)
    index = msgspec.json.decode((tmp_path / "state.json").read_bytes())
    (tmp_path / "state.json").write_bytes(msgspec.json.encode({**index, "format": 99}))
    with pytest.raises(FeatureError, match="format 99"):
        FeatureState.load(tmp_path)


def test_later_questions_see_no_more_and_age():
    plan, state = published()
    online = OnlineFeatures(plan, state)
    found = online.compute({"key": "a"}, hour(8))
    assert (found["x"], found["text"], found["mean"], found["kinds"]) == (None, "t4", None, 3)
    assert online.compute({"key": None}, NOON)["kinds"] == 0
    assert online.compute({"key": "c"}, hour(9)) == {"x": None, "text": None, "thing": hour(1), "mean": None, "least": None, "kinds": 0}


def test_an_earlier_question_is_refused():
    plan, state = published()
    with pytest.raises(AskedBeforeState, match="before 2013-05-01T12:00"):
        OnlineFeatures(plan, state).compute({"key": "a"}, hour(-1))


def test_a_state_of_other_features_is_refused():
    _, state = published()
    with pytest.raises(StateMismatch, match="the published state holds nothing for latest"):
        OnlineFeatures(planned(x=latest(EVENTS, "n", by="key")), state)


def test_long_windows_sum_whole_blocks():
    numbers = [1e16, 1.0, -1e16, 0.1] * 100
    table = rows(*[("a", 0, 0, x) for x in numbers], *[("b", 0, 0, 1.0)] * 3)
    plan = planned(
        total=window(EVENTS, col("x").sum(), by="key", over="1d"), mean=window(EVENTS, col("n").mean(), by="key", over="1d"),
        spread=window(EVENTS, col("n").std(), by="key", over="1d"),
    )  # fmt: skip
    online = OnlineFeatures(plan, build_state(plan, {"events": table}, hour(1))).compute({"key": "a"}, hour(1))
    batch = compute(plan, spine(("a", 1)), {"events": table}).to_dicts()[0]
    assert online["total"] == pytest.approx(110.0, rel=1e-12)
    assert batch == pytest.approx(online, rel=1e-12)


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 1.0), (0.25, 1.75), (0.5, 2.5), (1.0, 40.0)])
def test_a_quantile_lies_linearly_between_its_neighbours(probability, expected):
    table = rows(("a", 0, 0, 3.0), ("a", 0, 0, 1.0), ("a", 0, 0, 40.0), ("a", 0, 0, 2.0))
    plan = planned(q=window(EVENTS, col("x").quantile(probability), by="key", over="1d"))
    online = OnlineFeatures(plan, build_state(plan, {"events": table}, hour(1)))
    assert online.compute({"key": "a"}, hour(1)) == {"q": expected}
    assert compute(plan, spine(("a", 1)), {"events": table}).to_dicts() == [{"q": expected}]
    assert online.compute({"key": "b"}, hour(1)) == {"q": None}


def test_sums_past_the_largest_double_are_infinite_not_errors():
    table = rows(*[("a", 0, 0, x) for x in (1.5e308, 1.5e308)], ("b", 0, 0, None)).with_columns(n=pl.lit(2**63 - 1))
    table = pl.concat([table, table.with_columns(n=pl.lit(-(2**63)), key=pl.lit("c"))])
    plan = planned(x=window(EVENTS, col("x").sum(), by="key", over="1d"), n=window(EVENTS, col("n").var(), by="key", over="1d"))
    online = OnlineFeatures(plan, build_state(plan, {"events": table}, hour(1)))
    assert online.compute({"key": "a"}, hour(1)) == {"x": float("inf"), "n": 0.0}
    assert compute(plan, spine(("a", 1)), {"events": table}).to_dicts() == [{"x": float("inf"), "n": 0.0}]


def plus_one(value):
    return None if value is None else value + 1


def test_python_functions_run_in_all_executions():
    plan = planned(
        x=udf(plus_one, DType.FLOAT, latest(EVENTS, udf(plus_one, DType.FLOAT, col("x")), by="key")),
        n=window(EVENTS, count(), by="key", over="1d", where=udf(plus_one, DType.FLOAT, col("x")) > 2),
    )  # fmt: skip
    table = rows(("a", 0, 0, 1.0), ("a", 0, 0, 5.0))
    assert compute(plan, spine(("a", 1)), {"events": table}).to_dicts() == [{"x": 7.0, "n": 1}]
    assert OnlineFeatures(plan, build_state(plan, {"events": table}, hour(1))).compute({"key": "a"}, hour(1)) == {"x": 7.0, "n": 1}


def test_online_imports_no_engine():
    script = (
        "import sys, headrace.features.online; print([name for name in ('polars', 'sklearn', 'pandas', 'lightgbm') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_features_may_be_called_like_given_columns_slots_and_arguments():
    asked = spine(("a", 3), ("b", 3))
    plan = planned(key=col("key") + "!", lookup_0=lit(1), self=latest(EVENTS, "x", by="key"))
    found = compute(plan, asked, {"events": rows(("a", 0, 1, 5.0))})
    assert found.to_dicts() == [{"key": "a!", "lookup_0": 1, "self": 5.0}, {"key": "b!", "lookup_0": 1, "self": None}]
    online = OnlineFeatures(plan, build_state(plan, {"events": rows(("a", 0, 1, 5.0))}, hour(3)))
    assert online.compute({"key": "a", "asked": hour(3)}, hour(3)) == found.to_dicts()[0]
