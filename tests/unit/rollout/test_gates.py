"""Gates: each judged on both sides of its bound, and on evidence that is not there."""

import json
import pickle
from decimal import Decimal

import msgspec
import pytest

from headrace.rollout.errors import MissingEvidence
from headrace.rollout.evidence import Evidence, GateResult, SliceMetric
from headrace.rollout.gates import MINIMUM_SUPPORT, judge
from headrace.spec import gate
from headrace.spec.gate import Gate
from headrace.stats.bootstrap import Interval


def evidence(**changes: object) -> Evidence:
    given: dict[str, object] = {"metric": "average_precision", "metrics": {}, "differences": {}, "support": 500, "level": 0.95, **changes}
    return Evidence(**given)  # type: ignore[arg-type]


def judge_one(condition: Gate, found: Evidence) -> GateResult:
    (result,) = judge((condition,), found)
    return result


def against(opponent: str, low: float, high: float, **changes: object) -> Evidence:
    return evidence(differences={opponent: Interval((low + high) / 2, low, high)}, **changes)


@pytest.mark.parametrize("metric", ["average_precision", "rmse"])
@pytest.mark.parametrize(("low", "high", "passed"), [(0.01, 0.03, True), (-0.001, 0.03, False), (0.0, 0.02, False), (-0.03, -0.01, False)])
def test_better_means_the_whole_interval_above_zero(metric: str, low: float, high: float, passed: bool) -> None:
    assert judge_one(gate.beats("baseline"), against("baseline", low, high, metric=metric)).passed is passed
    assert judge_one(gate.beats("champion"), against("champion", low, high, metric=metric, champion="late v3")).passed is passed


def test_the_first_model_has_no_champion_to_beat_and_is_told_so() -> None:
    result = judge_one(gate.beats("champion"), evidence())
    assert result.passed
    assert result.measured == "there is no champion yet"


def test_the_champion_the_interval_and_the_looks_are_named() -> None:
    found = evidence(differences={"champion": Interval(0.02, 0.01, 0.03)}, champion="late v3", look=3, level=0.9833)
    result = judge_one(gate.beats("champion"), found)
    assert result.measured == (
        "0.0200 better than the champion late v3, between +0.0100 and +0.0300 (98.3% interval, adjusted for 3 looks at the test rows)"
    )
    assert result.needed == "average_precision better than the champion's by more than chance"


def test_a_champion_that_has_learnt_the_answers_is_compared_on_the_others() -> None:
    found = against("champion", 0.01, 0.03, champion="late v3", supports={"champion": 10}, rows="questions")
    result = judge_one(gate.beats("champion"), found)
    assert result.passed
    assert result.measured.endswith("1 look at the questions); on the questions whose answers the champion had not learnt, 10 that count")
    few = judge_one(gate.beats("champion"), msgspec.structs.replace(found, differences={}, supports={"champion": 9}))
    assert not few.passed
    assert few.measured == "of the questions whose answers the champion late v3 had not learnt 9 count: too few to tell"
    assert judge_one(gate.beats("baseline"), against("baseline", 0.01, 0.03, supports={"champion": 0})).passed


def test_a_worse_model_is_called_worse() -> None:
    assert judge_one(gate.beats("baseline"), against("baseline", -0.03, -0.01)).measured.startswith(
        "0.0200 worse than the baseline, between -0.0300"
    )


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (gate.beats("champion"), evidence(champion="late v3")),
        (gate.beats("baseline"), evidence()),
        (gate.beats("baseline"), against("baseline", float("nan"), 0.1)),
        (gate.beats("baseline"), evidence(differences={"baseline": Interval(None, None, None)})),
        (gate.at_least("recall", 0.5), evidence(metrics={"precision": Interval(0.9, 0.8, 1.0)})),
        (gate.at_least("recall", 0.5), evidence(metrics={"recall": Interval(float("nan"), 0.8, 1.0)})),
        (gate.slices("carrier", "recall", 0.2), evidence(slices={("carrier", "precision"): ()})),
        (gate.slices("carrier", "recall", 0.2), evidence(slices={("carrier", "recall"): (SliceMetric("AA", 9, 9, float("inf")),)})),
        (gate.latency(5), evidence()),
        (gate.latency(5), evidence(latency_p99_ms=float("nan"))),
        (gate.cost("0.001"), evidence()),
        (gate.cost("0.001"), evidence(cost_per_1k_usd=Decimal("NaN"))),
        (gate.cost("0.001"), evidence(cost_per_1k_usd=0.0001)),
    ],
)
def test_no_gate_passes_for_want_of_evidence(condition: Gate, found: Evidence) -> None:
    with pytest.raises(MissingEvidence, match="cannot be judged") as caught:
        judge((condition,), found)
    assert caught.value.remedy
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(("metric", "value", "bound", "passed"), [
    ("recall", 0.5, 0.5, True), ("recall", 0.49, 0.5, False), ("brier", 0.1, 0.1, True), ("brier", 0.11, 0.1, False),
])  # fmt: skip
def test_at_least_means_at_most_where_less_is_better(metric: str, value: float, bound: float, passed: bool) -> None:
    result = judge_one(gate.at_least(metric, bound), evidence(metrics={metric: Interval(value, 0.0, 1.0)}))
    assert result.passed is passed
    assert result.needed == f"{'at least' if metric == 'recall' else 'at most'} {bound:g}"


def by_carrier(*groups: SliceMetric) -> Evidence:
    return evidence(slices={("carrier", "recall"): groups})


@pytest.mark.parametrize(("worst", "passed"), [(0.7, True), (0.69, False)])
def test_the_gap_is_between_the_best_and_the_worst_group(worst: float, passed: bool) -> None:
    found = by_carrier(SliceMetric("AA", 900, 300, 0.9), SliceMetric("UA", 900, 300, worst), SliceMetric("B6", 900, 300, 0.8))
    result = judge_one(gate.slices("carrier", "recall", 0.2), found)
    assert result.passed is passed
    assert result.measured.endswith(f"UA {worst:.3f}, AA 0.900, over 3 groups")


def test_small_and_undefined_groups_are_reported_and_not_judged() -> None:
    groups = (SliceMetric("AA", 900, MINIMUM_SUPPORT, 0.9), SliceMetric("UA", 900, MINIMUM_SUPPORT, 0.85),
              SliceMetric("HA", 900, MINIMUM_SUPPORT - 1, 0.1), SliceMetric("OO", 0, 0, None))  # fmt: skip
    result = judge_one(gate.slices("carrier", "recall", 0.2), by_carrier(*groups))
    assert result.passed
    assert result.measured.endswith("too small to tell: HA, OO")
    assert result.details["too_small"] == ["HA", "OO"]
    assert not judge((gate.slices("carrier", "recall", 0.2),), by_carrier(*groups), minimum_support=10)[0].passed


def test_one_group_alone_does_not_pass() -> None:
    result = judge_one(gate.slices("carrier", "recall", 0.2), by_carrier(SliceMetric("AA", 900, 300, 0.9), SliceMetric("HA", 9, 3, 0.5)))
    assert not result.passed
    assert result.measured == "1 of 2 groups rest on enough rows: there is nothing to compare"


@pytest.mark.parametrize(("p99", "passed"), [(5.0, True), (5.01, False)])
def test_latency(p99: float, passed: bool) -> None:
    result = judge_one(gate.latency(p99_ms=5), evidence(latency_p99_ms=p99))
    assert (result.passed, result.needed) == (passed, "at most 5 ms")


@pytest.mark.parametrize(("spent", "passed"), [("0.001", True), ("0.0010001", False), ("0.00001234", True)])
def test_cost(spent: str, passed: bool) -> None:
    result = judge_one(gate.cost(per_1k_usd=0.001), evidence(cost_per_1k_usd=Decimal(spent)))
    assert result.passed is passed
    assert result.needed == "at most $0.00100 per 1,000 predictions"


def test_results_keep_the_order_of_the_gates_and_are_json() -> None:
    found = evidence(
        differences={"baseline": Interval(0.1, 0.05, 0.15)},
        metrics={"recall": Interval(0.5, 0.4, 0.6)},
        latency_p99_ms=0.2,
        cost_per_1k_usd=Decimal("0.0001"),
        slices={("carrier", "recall"): (SliceMetric("AA", 900, 300, 0.9), SliceMetric("HA", 9, 3, None))},
    )
    gates = (
        gate.latency(5),
        gate.beats("champion"),
        gate.beats("baseline"),
        gate.at_least("recall", 0.3),
        gate.slices("carrier", "recall", 0.2),
        gate.cost("1"),
    )
    results = judge(gates, found)
    assert [result.gate for result in results] == [
        "latency",
        "beats champion",
        "beats baseline",
        "recall at least 0.3",
        "recall alike across carrier",
        "cost",
    ]
    assert json.loads(msgspec.json.encode(results))[0]["details"] == {"p99_ms": 0.2, "bound_ms": 5}


def test_a_gate_without_a_rule_is_refused() -> None:
    class Unheard(Gate, frozen=True):
        """A gate that nobody judges."""

    with pytest.raises(TypeError, match="Unheard"):
        judge((Unheard(),), evidence())


def test_nothing_beats_anything_on_a_handful_of_rows() -> None:
    result = judge_one(gate.beats("baseline"), against("baseline", 0.4, 0.6, support=9))
    assert not result.passed
    assert result.measured.endswith("; it rests on 9 rows, too few to tell")
    assert judge_one(gate.beats("baseline"), against("baseline", 0.4, 0.6, support=10)).passed
