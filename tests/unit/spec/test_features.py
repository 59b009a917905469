"""Lookups and features as declared."""

from datetime import timedelta

import pytest

from headrace.expressions import col, count, lit
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.features import Features, Latest, Window, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events

SOURCE = File("t.csv")
EVENTS = Events("events", source=SOURCE, time="at")
PLANES = Entity("planes", source=SOURCE, key="tail")


def test_latest():
    lookup = latest(EVENTS, "x", by={"here": "there"}, max_age="3h")
    assert isinstance(lookup, Latest)
    assert lookup.label() == 'latest(events, col("x"), by=[here=there], max_age=3h)'
    assert lookup.table_columns() == {"x", "there"}
    assert lookup.declaration()["max_age_us"] == 3 * 3600 * 10**6
    assert lookup.columns() == frozenset()


def test_window():
    lookup = window(EVENTS, col("x").mean(), by=["a", "b"], over="28d", hop="1d", where=col("y") > 0)
    assert isinstance(lookup, Window)
    assert lookup.over == timedelta(days=28)
    assert lookup.label() == 'window(events, col("x").mean(), by=[a, b], over=4w, hop=1d, where=(col("y") > 0))'
    assert lookup.table_columns() == {"x", "y", "a", "b"}
    assert window(EVENTS, count(), by="a", over="1h", where="ok").where.columns() == {"ok"}


def test_lookups_are_leaves_that_combine():
    value = col("x") - latest(PLANES, "year", by="tail")
    assert value.columns() == {"x"}
    assert sum(isinstance(node, Latest) for node in value.walk()) == 1


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: latest("planes", "x", by="a"), r"the table of latest\(\)"),
        (lambda: latest(PLANES, "x", by=[]), r"by= of latest\(\)"),
        (lambda: latest(PLANES, "x", by="tail", max_age="1h"), r"max_age of latest\(planes\)"),
        (lambda: latest(PLANES, col("x").mean(), by="tail"), r"the value of latest\(planes\)"),
        (lambda: latest(PLANES, latest(PLANES, "x", by="tail") + 1, by="tail"), r"the value of latest\(planes\) cannot be .*"),
        (lambda: window(EVENTS, latest(PLANES, "x", by="tail").mean(), by="a", over="1h"), r"the aggregate of window\(events\)"),
        (lambda: window(EVENTS, col("x"), by="a", over="1h"), r"the aggregate of window\(events\)"),
        (lambda: window(EVENTS, count(), by="a", over="1h", where=True), r"where= of window\(events\)"),
        (lambda: window(PLANES, count(), by="tail", over="1h"), r"the table of window\(planes\)"),
        (lambda: window(None, count(), by="tail", over="1h"), r"the table of window\(\)"),
    ],
)
def test_refusals(declare, message):
    with pytest.raises(InvalidOption, match=message):
        declare()


def test_features_normalise_names_and_find_lookups_once():
    wind = latest(EVENTS, "x", by="a")
    features = Features(
        spine=EVENTS, given="a", as_of="at", values={"a": "a", "one": wind, "two": wind + 1, "three": latest(EVENTS, "x", by="a")}
    )
    assert features.given == ("a",)
    assert features.as_of.columns() == {"at"}
    assert features.name == "events"
    assert features.values["a"].columns() == {"a"}
    assert features.lookups() == (wind,)
    assert features.tables() == (EVENTS,)


def test_lookups_of_another_meaning_are_others():
    lookups = [latest(EVENTS, "x", by="a"), latest(EVENTS, "x", by="a", max_age="1h"), latest(EVENTS, lit("x") + "", by="a")]
    assert len(Features(spine=EVENTS, given="a", values=dict(zip("abc", lookups, strict=True))).lookups()) == 3


def test_an_aggregate_is_no_feature():
    with pytest.raises(InvalidOption, match="feature 'm' cannot be") as raised:
        Features(spine=EVENTS, given="a", values={"m": col("a").mean()})
    assert "hr.window" in raised.value.remedy
    assert raised.value.location.file == __file__
    with pytest.raises(InvalidOption, match="feature 'm' cannot be '3'"):
        Features(spine=EVENTS, given="a", values={"m": 3})


def test_features_have_values():
    with pytest.raises(InvalidOption, match=r"the values of Features\(\)"):
        Features(spine=EVENTS, given="a", values={})


def test_features_from_the_log_say_which_row_they_are_about():
    with pytest.raises(SpecError, match="nothing tells its rows apart"):
        Features(spine=EVENTS, given="a", values={"a": "a"}, from_log=True)
    named = Events("events", source=SOURCE, time="at", id=["a", "b", "c"])
    with pytest.raises(SpecError, match="'b' of its id= is not given") as raised:
        Features(spine=named, given="a", values={"a": "a"}, from_log=True)
    assert "Add 'b', 'c' to given=" in raised.value.remedy
    assert Features(spine=named, given=["c", "a", "b"], values={"a": "a"}, from_log=True).from_log
