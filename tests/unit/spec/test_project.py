"""Models and the project: the checks that need several declarations."""

import msgspec
import pytest

from headrace.expressions import col, count, udf
from headrace.spec import gate, split
from headrace.spec.candidates import Baseline, HoeffdingTree, Logistic, OnlineLogistic, Ridge
from headrace.spec.errors import InvalidOption, NotKnownInTime, SpecError, UnknownName
from headrace.spec.features import Features, latest, window
from headrace.spec.model import Model
from headrace.spec.people import Approve, Person
from headrace.spec.project import Project
from headrace.spec.sources import File
from headrace.spec.tables import Derived, Entity, Events, Pseudonym
from headrace.spec.visibility import check_features

SOURCE = File("t.csv")
FLIGHTS = Events("flights", source=SOURCE, time="at", known={"delay": "landed"}, personal={"tail": Pseudonym()})
PLANES = Entity("planes", source=SOURCE, key="tail", personal={"tail": Pseudonym()})
WEATHER = Events("weather", source=SOURCE, time="at")


def features(**changes):
    declared = {
        "spine": FLIGHTS,
        "given": ["at", "tail", "origin"],
        "as_of": col("at"),
        "values": {"year": latest(PLANES, "year", by="tail")},
    }
    return Features(**{**declared, **changes})


def model(**changes):
    declared = {
        "features": features(),
        "target": col("delay") > 30,
        "split": split.random(),
        "candidates": [Logistic()],
        "metric": "roc_auc",
    }
    name = changes.pop("name", "late")
    return Model(name, **{**declared, **changes})


def test_the_baseline_is_always_a_candidate():
    assert [candidate.name for candidate in model().candidates] == ["baseline", "logistic"]
    assert [candidate.name for candidate in model(candidates=[Logistic(), Baseline()]).candidates] == ["logistic", "baseline"]


def test_a_target_may_be_a_column():
    assert model(target="delay").target.columns() == {"delay"}


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"name": "a/b"}, InvalidOption, "a model's name cannot be 'a/b'"),
        ({"name": "größe"}, InvalidOption, "a model's name cannot be 'größe'"),
        ({"name": "_late"}, InvalidOption, "a model's name cannot be '_late'"),
        ({"target": col("delay").mean()}, InvalidOption, "the target of model 'late'"),
        ({"task": "ranking"}, UnknownName, "there is no task 'ranking'"),
        ({"metric": "rocauc"}, UnknownName, "there is no metric 'rocauc'"),
        ({"task": "regression"}, InvalidOption, "the metric of model 'late', a regression one, cannot be 'roc_auc'"),
        ({"candidates": [Logistic(), Logistic(c=1.0)]}, SpecError, "lists the candidate logistic twice"),
        ({"candidates": [Ridge()]}, InvalidOption, "a candidate of model 'late' cannot be 'Ridge'"),
        ({"metric": "rmse"}, InvalidOption, "a candidate of model 'late' cannot be 'Logistic'"),
        ({"metric": "rmse", "candidates": [HoeffdingTree()]}, InvalidOption, "a candidate of model 'late' cannot be 'HoeffdingTree'"),
        ({"metric": "rmse", "candidates": [OnlineLogistic()]}, InvalidOption, r"Expected Ridge\(\) for a model judged by rmse"),
        (
            {"features": features(spine=Events("untimed", source=SOURCE), as_of=None), "split": split.by_time("1d", "1d")},
            SpecError,
            "'untimed' has no time",
        ),
        ({"gates": ["champion"]}, InvalidOption, "a gate of model 'late' cannot be 'champion'"),
        ({"candidates": [Ridge]}, InvalidOption, r"Expected a value, and that is a class: Ridge\(...\) makes one"),
        ({"split": "random"}, InvalidOption, r"split of model 'late' cannot be 'random'.\n  Expected hr.split.by_time"),
        ({"gates": [gate.slices("carrier", "recall", 0.1)]}, UnknownName, "there is no given column or feature 'carrier'"),
    ],
)
def test_models_refuse(changes, kind, message):
    with pytest.raises(kind, match=message) as raised:
        model(**changes)
    assert raised.value.remedy
    assert raised.value.location.file == __file__


def test_gates_by_given_column_or_feature_pass():
    assert len(model(gates=[gate.slices("origin", "recall", 0.1), gate.slices("year", "recall", 0.1)]).gates) == 2


def test_a_project_lists_tables_inputs_first():
    daily = Derived("daily", inputs=[WEATHER], build=lambda frame: frame, time="at")
    declared = model(features=features(values={"wind": latest(daily, "wind", by="origin"), "year": latest(PLANES, "year", by="tail")}))
    project = Project("p", models=[declared, model(name="other")])
    assert [table.name for table in project.tables()] == ["flights", "weather", "daily", "planes"]
    assert project.model("late") is declared
    with pytest.raises(UnknownName, match="there is no model 'latte'") as raised:
        project.model("latte")
    assert "Did you mean 'late'?" in raised.value.remedy
    with pytest.raises(AttributeError):
        project.seed = 3


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, "7", 7.0, True, None])
def test_a_seed_is_a_whole_number_that_a_ledger_can_hold(seed):
    assert Project("p", models=[model()], seed=2**63 - 1).seed == 2**63 - 1
    with pytest.raises(InvalidOption, match=r"seed of Project\(\) cannot be"):
        Project("p", models=[model()], seed=seed)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Project("a b", models=[model()]), "the project's name cannot be 'a b'"),
        (lambda: Project("p", models=[FLIGHTS]), r"a model of Project\(\) cannot be 'Events'"),
        (lambda: Project("p", models=[model()], team=["ana"]), "team cannot be 'ana'"),
        (lambda: Project("p", models=[model(), model()]), "two models are called 'late'"),
        (lambda: Project("p", models=[model()], team=[Person("ana"), Person("ana")]), "two persons are called 'ana'"),
        (
            lambda: Project("p", models=[model(), model(name="b", features=features(spine=msgspec.structs.replace(FLIGHTS)))]),
            "two tables are called 'flights'",
        ),
        (
            lambda: Project("p", models=[model(approve=Approve(role="reviewer"))], team=[Person("ana")]),
            "needs 1 with the role 'reviewer'; the team has 0",
        ),
        (lambda: Project("p", models=[model(features=features(given=["at"]))]), "which the asker is not said to supply"),
    ],
)
def test_projects_refuse(declare, message):
    with pytest.raises(SpecError, match=message) as raised:
        declare()
    assert raised.value.remedy
    assert raised.value.location.file == __file__


def test_an_approval_that_the_team_can_give():
    project = Project("p", models=[model(approve=Approve(role="reviewer"))], team=[Person("ana", roles="reviewer")])
    assert project.models[0].approve.role == "reviewer"


def test_a_given_column_known_later_is_refused():
    with pytest.raises(NotKnownInTime, match="'delay' of 'flights' becomes known at 'landed'"):
        check_features(features(given=["at", "tail", "delay"]))


@pytest.mark.parametrize(
    ("changes", "user"),
    [
        ({"as_of": col("departed")}, "as_of uses the column 'departed'"),
        ({"values": {"d": col("delay") + 1}}, "feature 'd' uses the column 'delay'"),
        ({"values": {"wind": latest(WEATHER, "wind", by="dest")}}, r"the key of latest\(weather.*uses the column 'dest'"),
    ],
)
def test_only_given_columns_are_used(changes, user):
    with pytest.raises(NotKnownInTime, match=user) as raised:
        check_features(features(**changes))
    assert "Given: at, tail, origin." in raised.value.remedy


def test_a_lookup_in_time_needs_as_of():
    with pytest.raises(SpecError, match="do not say when the question is asked"):
        check_features(features(as_of=None, values={"wind": latest(WEATHER, "wind", by="origin")}))
    check_features(features(as_of=None))


def test_a_pseudonym_never_meets_a_plain_key():
    plain = Entity("plain", source=SOURCE, key="tail")
    with pytest.raises(SpecError, match="joins a pseudonymised column of 'flights' with a plain one of 'plain'"):
        check_features(features(values={"year": latest(plain, "year", by="tail")}))
    with pytest.raises(SpecError, match="joins a pseudonymised column of 'planes' with a plain one of 'flights'"):
        check_features(features(values={"year": latest(PLANES, "year", by={"origin": "tail"})}))


def double(value):
    return value * 2


@pytest.mark.parametrize(
    "values",
    [
        {"twice": udf(double, "int", col("at").hour())},
        {"twice": latest(WEATHER, udf(double, "int", col("wind")), by="origin")},
        {"twice": window(WEATHER, udf(double, "int", col("wind")).mean(), by="origin", over="1h")},
        {"twice": window(WEATHER, count(), by="origin", over="1h", where=udf(double, "bool", col("wind")))},
        {"twice": latest(Entity("gone", source=SOURCE, key="origin", deleted=udf(double, "bool", col("wind"))), "wind", by="origin")},
    ],
)
def test_a_feature_that_no_bundle_can_carry_is_refused(values):
    with pytest.raises(SpecError, match="'twice' of model 'late' calls the Python function"):
        model(features=features(values=values))


UNTIMED = Events("untimed", source=SOURCE)


@pytest.mark.parametrize(
    ("spine", "table", "said"),
    [
        (UNTIMED, UNTIMED, "a row would see its own answer"),
        (UNTIMED, Derived("rates", inputs=[UNTIMED], build=lambda rows: rows), "made from 'untimed'"),
        (WEATHER, Derived("rates", inputs=[FLIGHTS], build=lambda rows: rows), "made from 'flights': what only later rows tell"),
        (
            WEATHER,
            Derived("rates", inputs=[PLANES, Derived("daily", inputs=[FLIGHTS], build=lambda rows: rows)], build=lambda *rows: rows[0]),
            "made from 'flights'",
        ),
    ],
)
def test_what_is_visible_always_holds_nothing_that_happened(spine, table, said):
    with pytest.raises(NotKnownInTime, match=said) as raised:
        check_features(Features(spine=spine, given=["origin"], values={"rate": latest(table, "rate", by="origin")}))
    assert f"of {table.name!r}" in raised.value.remedy
    fixed = Derived("fixed", inputs=[PLANES], build=lambda planes: planes)
    check_features(Features(spine=spine, given=["origin"], values={"rate": latest(fixed, "rate", by="origin")}))


@pytest.mark.parametrize("target", [col("at").hour() > 12, col("origin") == "JFK"])
def test_a_target_that_the_asker_knows_is_refused(target):
    with pytest.raises(SpecError, match="made of given columns only"):
        model(target=target)


@pytest.mark.parametrize(
    ("given", "values", "said"),
    [
        ("plann", {"plan": col("plan")}, "given= has 'plann': did you mean 'plan'? If"),
        ("plann", {"is_pro": col("plan") == "pro"}, "given= has 'plann': did you mean 'plan' there, or 'plann' here? If"),
        ("plan", {"plan": col("plann")}, "Did you mean 'plan'? If"),
        ("plan", {"kind": col("plan"), "is_pro": col("plann") == "pro"}, "Did you mean 'plan'? If"),
        ("tail", {"plan": col("plan")}, "If it is known"),
    ],
)
def test_the_misspelt_one_of_a_given_and_a_used_column_is_named(given, values, said):
    with pytest.raises(NotKnownInTime) as raised:
        check_features(features(given=["at", given], values=values))
    assert raised.value.remedy.startswith(said)
