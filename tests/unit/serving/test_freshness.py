"""Features that are too old: found, and dealt with as declared and as asked."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

import headrace as hr
from headrace import col
from headrace.core.units import parse_duration
from headrace.expressions import DType
from headrace.features.plan import FeaturePlan
from headrace.serving.errors import StaleFeatures
from headrace.serving.freshness import AskedFreshness, Freshness

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
RIDES, STOPS = (hr.Events(name, source=hr.File(f"{name}.csv"), time="at") for name in ("rides", "stops"))
THINGS = hr.Entity("things", source=hr.File("t.csv"), key="key")
TYPES = {"key": DType.STRING, "at": DType.DATETIME, "value": DType.FLOAT}
VALUES = {
    "given": col("key"),
    "rides": hr.window(RIDES, hr.count(), by="key", over="1h"),
    "both": hr.latest(RIDES, "value", by="key") + hr.latest(STOPS, "value", by="key"),
    "thing": hr.latest(THINGS, "value", by="key"),
}
MOMENTS = {"rides": NOON - timedelta(minutes=5), "stops": NOON - timedelta(minutes=30), "things": NOON - timedelta(hours=9)}


def freshness(streamed=(), **options):
    declared = hr.Features(spine=RIDES, given=["key", "at"], as_of="at", values=VALUES, **options)
    plan = FeaturePlan.build(declared, TYPES, dict.fromkeys(("rides", "stops", "things"), TYPES))
    return Freshness(FeaturePlan.from_json(msgspec.json.decode(msgspec.json.encode(plan.to_json()))), streamed)


def asked(limit=None, when=None):
    return AskedFreshness(None if limit is None else parse_duration(limit, zero=True) // timedelta(microseconds=1), when)


def test_a_feature_is_as_old_as_the_oldest_of_its_tables():
    assert freshness().stale(MOMENTS, NOON) == ({}, [])
    assert freshness().stale(MOMENTS, NOON, asked("0s")) == ({"rides": 300, "both": 1800, "thing": 32_400}, [])
    assert freshness(max_staleness="10m").stale(MOMENTS, NOON) == ({"both": 1800, "thing": 32_400}, [])
    limits = {"rides": "300s", "both": "1799s"}
    assert freshness(max_staleness=limits).stale(MOMENTS, NOON) == ({"both": 1800}, [])
    assert freshness(max_staleness=limits).stale(MOMENTS, NOON + timedelta(microseconds=1))[0].keys() == {"rides", "both"}


def test_a_table_that_is_known_beyond_the_question_is_not_old():
    assert freshness(max_staleness="1s").stale(dict.fromkeys(MOMENTS, NOON + timedelta(hours=1)), NOON) == ({}, [])


def test_what_nobody_knows_the_age_of_is_too_old_for_any_limit():
    found, _ = freshness(max_staleness={"both": "9999d"}).stale({**MOMENTS, "stops": None}, NOON)
    assert found == {"both": None}


def test_of_a_streamed_table_without_a_time_nothing_is_known_and_nothing_asked():
    assert freshness({"rides", "things"}).stale(MOMENTS, NOON, asked("0s"))[0].keys() == {"rides", "both"}
    before_it_was_streamed = freshness({"things"}, max_staleness={"thing": "1h", "both": "10m"})
    assert before_it_was_streamed.stale(MOMENTS, NOON) == ({"both": 1800}, [])


@pytest.mark.parametrize(
    ("declared", "limit", "when", "stale", "null"),
    [
        ("last", None, None, ["both"], []),
        ("null", None, None, ["both"], ["both"]),
        ("last", "1m", None, ["rides", "both", "thing"], []),
        ("null", "1m", "last", ["rides", "both", "thing"], ["both"]),
        ("last", "1m", "null", ["rides", "both", "thing"], ["rides", "both", "thing"]),
        ("last", None, "null", ["both"], ["both"]),
        ("null", "1d", None, ["both"], ["both"]),
    ],
)
def test_a_request_tightens_what_is_declared_and_loosens_nothing(declared, limit, when, stale, null):
    found = freshness(max_staleness={"both": "20m"}, when_stale=declared).stale(MOMENTS, NOON, asked(limit, when))
    assert (list(found[0]), found[1]) == (stale, null)


def test_an_error_names_feature_table_age_and_limit():
    with pytest.raises(StaleFeatures, match="'both' is too old: the table 'stops' is known until 30m before") as raised:
        freshness(max_staleness={"both": "20m"}, when_stale="error").stale(MOMENTS, NOON)
    error = raised.value
    assert (error.feature, error.table, error.staleness_seconds, error.limit_seconds) == ("both", "stops", 1800, 1200)
    with pytest.raises(StaleFeatures, match="'thing'"):
        freshness().stale({**MOMENTS, "rides": NOON, "stops": NOON}, NOON, asked("1h", "error"))
    with pytest.raises(StaleFeatures, match="not known to any moment yet"):
        freshness(max_staleness={"both": "20m"}, when_stale="error").stale({**MOMENTS, "rides": None}, NOON)
