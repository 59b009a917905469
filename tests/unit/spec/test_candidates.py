"""Candidates, tuning, outcomes, splits and gates."""

from datetime import timedelta
from decimal import Decimal

import pytest

from headrace.spec import gate, split
from headrace.spec.candidates import Baseline, GradientBoosting, HoeffdingTree, Logistic, OnlineLogistic, Outcomes, Ridge, Tune
from headrace.spec.errors import InvalidOption, UnknownName
from headrace.spec.metrics import metrics_for


def test_names_and_spaces():
    assert [kind().name for kind in (Baseline, Logistic, Ridge, GradientBoosting)] == ["baseline", "logistic", "ridge", "gradient_boosting"]
    assert Baseline().space() == {}
    assert Logistic(c=1.0).space() == {"c": 1.0}
    assert GradientBoosting(rounds=(100, 200)).space()["rounds"] == (100, 200)
    assert Ridge(alpha=0).space() == {"alpha": 0}
    assert [kind().name for kind in (OnlineLogistic, HoeffdingTree)] == ["online_logistic", "hoeffding_tree"]
    assert OnlineLogistic(learning_rate=0.1, l2=0).space() == {"learning_rate": 0.1, "l2": 0}
    assert HoeffdingTree(max_depth=4).space() == {"grace_period": 200, "delta": 1e-7, "tau": 0.05, "max_depth": 4}


@pytest.mark.parametrize("value", [-1.0, (0, 1), (3, 2)])
def test_a_space_is_positive_and_in_order(value):
    with pytest.raises(InvalidOption, match=r"c of Logistic\(\)") as raised:
        Logistic(c=value)
    assert raised.value.location.file == __file__


@pytest.mark.parametrize(("options", "most"), [({"delta": 1.5}, "1"), ({"max_depth": (10, 1000)}, "100")])
def test_a_tree_has_bounds(options, most):
    with pytest.raises(InvalidOption, match=f"Expected at most {most}"):
        HoeffdingTree(**options)
    assert HoeffdingTree(delta=(1e-7, 1.0), max_depth=100)


def test_caps_of_tuning():
    tune = Tune(trials=3, time="90s", cost_usd=0.05)
    assert (tune.time, tune.cost_usd) == (timedelta(seconds=90), Decimal("0.05"))
    assert Tune().cost_usd is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, r"trials of Tune\(\) cannot be 0"),
        ({"cost_usd": 0}, r"cost_usd of Tune\(\) cannot be 0"),
        ({"cost_usd": "much"}, r"cost_usd of Tune\(\) cannot be 'much'"),
    ],
)
def test_caps_leave_something_to_do(options, message):
    with pytest.raises(InvalidOption, match=message):
        Tune(**options)


@pytest.mark.parametrize(
    "costs",
    [
        {"false_negative": 0, "false_positive": 1},
        {"false_negative": 1, "false_positive": -1},
        {"false_negative": 1, "false_positive": 1, "true_positive": 2},
    ],
)
def test_a_mistake_costs_more_than_the_right_answer(costs):
    with pytest.raises(InvalidOption, match=r"the costs of Outcomes\(\)"):
        Outcomes(**costs)


def test_a_gain_is_negative():
    assert Outcomes(false_negative=0.0, false_positive=1, true_positive=-5).true_positive == -5


def test_splits():
    by_time = split.by_time(validation="45d", test="30d", purge="1d")
    assert (by_time.validation, by_time.test, by_time.purge) == (timedelta(days=45), timedelta(days=30), timedelta(days=1))
    assert split.by_time(validation="1d", test="1d", purge="0").purge == timedelta(0)
    assert split.random().stratify
    assert split.random(stratify=False).location.file == __file__


@pytest.mark.parametrize("shares", [(0, 0.2), (0.5, 0.5), (0.2, 1.0)])
def test_a_split_leaves_rows_to_train_on(shares):
    with pytest.raises(InvalidOption, match=r"the shares of split.random\(\)"):
        split.random(*shares)


def test_gates():
    assert gate.beats("baseline").opponent == "baseline"
    assert gate.at_least("recall", 0.5).value == 0.5
    assert gate.slices("carrier", "recall", max_gap=0.2).column == "carrier"
    assert gate.latency(p99_ms=5).p99_ms == 5
    assert gate.cost(per_1k_usd=0.001).per_1k_usd == Decimal("0.001")


@pytest.mark.parametrize(
    ("declare", "kind", "message"),
    [
        (lambda: gate.beats("champ"), UnknownName, "there is no opponent 'champ'"),
        (lambda: gate.at_least("recal", 0.5), UnknownName, "there is no metric 'recal'"),
        (lambda: gate.slices("a", "recal", 0.1), UnknownName, "there is no metric 'recal'"),
        (lambda: gate.latency(0), InvalidOption, "p99_ms of gate.latency"),
        (lambda: gate.cost(0), InvalidOption, "per_1k_usd of gate.cost"),
        (lambda: gate.cost("cheap"), InvalidOption, "per_1k_usd of gate.cost"),
    ],
)
def test_gates_refuse(declare, kind, message):
    with pytest.raises(kind, match=message):
        declare()


def test_metrics_for_a_task():
    assert metrics_for("regression") == ("rmse", "mae", "r2")
    assert set(metrics_for("multiclass")) == {"log_loss", "accuracy", "macro_f1"}
