"""Plans: types worked out, round trip, fingerprints, and mistakes named."""

import json
from datetime import timedelta

import pytest

from headrace.core.fingerprints import fingerprint
from headrace.expressions import DType, col, count, lit, udf
from headrace.features.errors import FeatureError, InvalidFeature, KeyMismatch
from headrace.features.plan import FeaturePlan, assemble_fingerprint_parts, feature_meanings, lookup_fingerprint_parts
from headrace.spec.errors import NotKnownInTime, SpecError, UnknownName
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Events, Pseudonym

SPINE = {"at": DType.DATETIME, "origin": DType.STRING, "tail": DType.STRING, "distance": DType.FLOAT, "delay": DType.FLOAT}
TABLES = {
    "flights": {**SPINE, "landed": DType.DATETIME},
    "planes": {"tail": DType.STRING, "year": DType.INT},
    "weather": {"origin": DType.STRING, "hour": DType.DATETIME, "wind": DType.FLOAT, "seen": DType.STRING},
}
FLIGHTS = Events("flights", source=File("f.csv"), time="at", known={"delay": "landed"}, personal={"tail": Pseudonym()})
PLANES = Entity("planes", source=File("p.csv"), key="tail", personal={"tail": Pseudonym()})
WEATHER = Entity("weather", source=File("w.csv"), key="origin", time="hour", known="ingested")


def double(value):
    return value * 2


def features(as_of=col("at"), **values):
    return Features(spine=FLIGHTS, given=["at", "origin", "tail", "distance"], as_of=as_of, values=values)


def build(declared):
    return FeaturePlan.build(declared, SPINE, TABLES)


def test_lookups_get_slots_and_types():
    wind = latest(WEATHER, "wind", by="origin", max_age="3h")
    plan = build(features(km=col("distance") * 1.609, wind=wind, age=col("at").year() - latest(PLANES, "year", by="tail"), again=wind + 1))
    assert [lookup.slot for lookup in plan.lookups] == ["lookup_0", "lookup_1"]
    assert plan.types == {"km": DType.FLOAT, "wind": DType.FLOAT, "age": DType.INT, "again": DType.FLOAT}
    assert plan.personal == ("tail",)
    assert plan.tables == ("weather", "planes")
    assert plan.lookup("lookup_0").max_age_us == 3 * 3600 * 10**6
    assert plan.expressions()["again"].columns() == {"lookup_0"}
    assert plan.row_types["lookup_1"] == DType.INT
    with pytest.raises(KeyError):
        plan.lookup("lookup_2")


def test_a_feature_means_the_same_whatever_is_declared_beside_it():
    def declared(max_age="3h", **others):
        return {**others, "wind": latest(WEATHER, "wind", by="origin", max_age=max_age) * 2, "km": col("distance") * 1.609}

    alone = feature_meanings(build(features(**declared())))
    beside = feature_meanings(build(features(**declared(year=latest(PLANES, "year", by="tail")))))
    assert set(alone) == {"wind", "km"}
    assert alone.items() <= beside.items()
    assert feature_meanings(FeaturePlan.from_json(build(features(**declared())).to_json())) == alone
    assert (
        feature_meanings(build(features(as_of=col("at") - timedelta(hours=2), **declared()))) == alone
    )  # of when it is asked a server hears
    other = feature_meanings(build(features(**declared(max_age="4h"))))
    assert (other["wind"] == alone["wind"], other["km"] == alone["km"]) == (False, True)
    whole = FeaturePlan.build(features(**declared()), {**SPINE, "distance": DType.INT}, TABLES)
    assert feature_meanings(whole)["km"] != alone["km"]


def test_deletes_are_said_in_the_plan():
    gone = udf(double, DType.BOOL, col("gone"))
    shops = Entity("shops", source=File("s.csv"), key="origin", time="at", known="seen", deleted=gone)
    types = {"shops": {"origin": DType.STRING, "at": DType.DATETIME, "seen": DType.DATETIME, "gone": DType.BOOL, "x": DType.INT}}
    newest, rows = latest(shops, "x", by="origin"), window(shops, count(), by="origin", over="1d", where=col("x") > 1)
    plan = FeaturePlan.build(features(x=newest, n=rows), SPINE, types)
    assert all("gone" in lookup.columns and lookup.known == ("seen",) for lookup in plan.lookups)
    assert [lookup.dtype for lookup in plan.lookups] == [DType.INT, DType.INT]
    assert set(plan.functions.values()) == {double}
    assert str(plan.lookups[0].argument({})).startswith("when(udf(")
    wrong = Entity("shops", source=File("s.csv"), key="origin", time="at", deleted=col("x"))
    with pytest.raises(InvalidFeature, match=r"deleted= of table 'shops' must be a boolean; .* is int") as raised:
        FeaturePlan.build(features(x=latest(wrong, "x", by="origin")), SPINE, types)
    assert raised.value.location.file == __file__


def test_a_table_with_deletes_asks_no_questions():
    spine = Entity("shops", source=File("s.csv"), key="origin", deleted=col("gone"))
    with pytest.raises(SpecError, match="every delete would be a question"):
        FeaturePlan.build(Features(spine=spine, given="origin", values={"x": col("origin")}), SPINE, {})


def test_json_round_trip():
    plan = build(features(delay=window(FLIGHTS, col("delay").quantile(0.9), by="origin", over="3h", hop="1h", where=col("distance") > 100)))
    read = FeaturePlan.from_json(json.loads(json.dumps(plan.to_json())))
    assert read.to_json() == plan.to_json()
    assert read.lookup("lookup_0").probability == 0.9
    assert str(read.lookup("lookup_0").condition({})) == '(col("distance") > 100)'
    with pytest.raises(FeatureError, match="format 99"):
        FeaturePlan.from_json({**plan.to_json(), "format": 99})


@pytest.mark.parametrize(
    ("lookup", "known"),
    [
        (window(FLIGHTS, col("delay").mean(), by="origin", over="3h"), ("at", "landed")),
        (window(FLIGHTS, col("distance").mean(), by="origin", over="3h"), ("at",)),
        (window(FLIGHTS, count(), by="origin", over="3h", where=col("delay") > 0), ("at", "landed")),
        (window(FLIGHTS, count(), by={"distance": "delay"}, over="3h"), ("at", "landed")),
        (window(FLIGHTS, col("delay").mean(), by={"distance": "delay"}, over="3h"), ("landed",)),
        (latest(WEATHER, "wind", by="origin"), ("_ingested",)),
        (latest(PLANES, "year", by="tail"), ()),
    ],
)
def test_what_decides_knowledge_time(lookup, known):
    assert build(features(value=lookup)).lookups[0].known == known


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"x": latest(WEATHER, "wnd", by="origin")}, InvalidFeature, r"latest\(weather.*there is no column 'wnd'"),
        ({"x": latest(WEATHER, "wind", by={"origin": "orign"})}, UnknownName, "table 'weather' of latest.*there is no key column 'orign'"),
        ({"x": latest(WEATHER, "wind", by={"origin": "wind"})}, KeyMismatch, "the spine's 'origin' is string, the table's 'wind' is float"),
        ({"x": window(FLIGHTS, col("origin").mean(), by="tail", over="1h")}, InvalidFeature, r"window\(flights.*"),
        ({"x": lit(None)}, InvalidFeature, "feature 'x': .* is always null"),
        ({"x": window(FLIGHTS, lit(None).count(), by="origin", over="1h")}, InvalidFeature, "is always null"),
        ({"x": col("origin") + 1}, InvalidFeature, "feature 'x'"),
        ({"x": window(FLIGHTS, count(), by="origin", over="1h", where=col("delay"))}, InvalidFeature, "where= must be a boolean"),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_their_line(values, error, message):
    with pytest.raises(error, match=message) as raised:
        build(features(**values))
    assert raised.value.remedy
    assert raised.value.location.file == __file__


@pytest.mark.parametrize(
    ("known", "message"), [("seen", "'seen' of table 'weather' must be a datetime"), ("sen", "there is no column 'sen'")]
)
def test_moments_are_datetimes(known, message):
    table = Entity("weather", source=File("w.csv"), key="origin", time="hour", known=known)
    with pytest.raises((InvalidFeature, UnknownName), match=message):
        build(features(x=latest(table, "wind", by="origin")))


def test_as_of_is_a_datetime():
    with pytest.raises(InvalidFeature, match="as_of= must be a datetime"):
        build(features(as_of=col("distance"), x=col("origin")))


def test_a_given_column_must_be_there():
    declared = Features(spine=FLIGHTS, given=["orign"], values={"x": col("orign")})
    with pytest.raises(InvalidFeature, match="there is no column 'orign'") as raised:
        build(declared)
    assert "origin" in raised.value.remedy


def test_the_rules_of_the_description_hold_here_too():
    with pytest.raises(NotKnownInTime):
        build(features(x=col("delay")))


def test_a_given_column_may_have_the_name_of_a_slot():
    plane = latest(PLANES, "year", by={"lookup_0": "tail"})
    spine = Events("flights", source=File("f.csv"), personal={"lookup_0": Pseudonym()})
    plan = FeaturePlan.build(Features(spine=spine, given="lookup_0", values={"x": plane}), {"lookup_0": DType.STRING}, TABLES)
    assert [lookup.slot for lookup in plan.lookups] == ["_lookup_0"]


def parts(declared, slot="lookup_0"):
    return fingerprint(*lookup_fingerprint_parts(build(declared), slot))


def test_the_fingerprint_of_a_lookup_is_its_meaning_alone():
    delay = window(FLIGHTS, col("delay").mean(), by="origin", over="3h")
    year = latest(PLANES, "year", by="tail")
    assert parts(features(x=delay)) == parts(features(y=year, x=delay + 1), "lookup_1")
    assert parts(features(x=delay)) != parts(features(x=window(FLIGHTS, col("delay").mean(), by="origin", over="3h", hop="1h")))
    assert parts(features(x=delay)) != parts(features(x=window(FLIGHTS, col("delay").std(), by="origin", over="3h")))
    assert parts(features(x=delay)) != parts(features(x=delay, as_of=col("at").truncate("1h")))
    assert parts(features(x=year)) == parts(features(x=year, as_of=col("at").truncate("1h")))


def test_the_fingerprint_of_the_assembly_follows_values():
    one, same, other = (build(features(x=col("distance") * factor)) for factor in (2, 2, 3))
    assert fingerprint(*assemble_fingerprint_parts(one)) == fingerprint(*assemble_fingerprint_parts(same))
    assert fingerprint(*assemble_fingerprint_parts(one)) != fingerprint(*assemble_fingerprint_parts(other))


def test_python_functions_stay_behind():
    year = latest(PLANES, udf(double, DType.INT, col("year")), by="tail")
    delay = window(FLIGHTS, count(), by="origin", over="1h", where=udf(double, DType.FLOAT, col("distance")) > 1)
    plan = build(features(x=udf(double, DType.FLOAT, col("distance")), y=year, z=delay))
    assert set(plan.functions.values()) == {double}
    assert "functions" not in plan.to_json()
    assert FeaturePlan.from_json(plan.to_json()).functions == {}
    assert lookup_fingerprint_parts(plan, "lookup_0")[-1] == plan.functions


def test_a_feature_does_not_take_the_place_of_the_arrival():
    with pytest.raises(InvalidFeature, match="'_arrival', a name that Headrace keeps"):
        build(features(_arrival=col("distance")))
