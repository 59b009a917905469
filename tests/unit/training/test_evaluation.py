import json

import msgspec
import numpy as np
import polars as pl
import pytest

from headrace.models.arrays import array_bytes
from headrace.models.artifact import Artifact
from headrace.training.evaluation import Evaluation, ScoredRows, compare, evaluate, evaluate_slices, score_rows, support

GENERATOR = np.random.default_rng(0)
TARGET = (GENERATOR.random(600) < 0.4).astype(float)
GOOD = np.clip(0.4 * TARGET + 0.6 * GENERATOR.random(600), 0.01, 0.99)
POOR = GENERATOR.random(600)


def scored(scores, threshold=0.5, target=TARGET):
    return ScoredRows(task="binary", target=target, scores=scores, threshold=threshold)


def test_every_metric_of_the_task_is_measured_with_its_interval():
    evaluation = evaluate(scored(GOOD), seed=1)
    assert set(evaluation.metrics) == {"average_precision", "roc_auc", "brier", "log_loss", "accuracy", "precision", "recall", "f1"}
    assert all(interval.low <= interval.value <= interval.high for interval in evaluation.metrics.values())
    assert evaluation.rows == 600
    assert evaluation == evaluate(scored(GOOD), seed=1)


def test_an_evaluation_is_json():
    evaluation = evaluate(scored(GOOD), seed=1, metrics=["recall"])
    assert msgspec.convert(json.loads(msgspec.json.encode(evaluation)), Evaluation) == evaluation


def test_the_threshold_moves_the_decisions_and_not_the_scores():
    low, high = (evaluate(scored(GOOD, threshold), seed=1).metrics for threshold in (0.2, 0.8))
    assert low["recall"].value > high["recall"].value
    assert low["roc_auc"] == high["roc_auc"]


def test_a_higher_level_gives_wider_intervals():
    narrow, wide = (evaluate(scored(GOOD), seed=1, level=level, metrics=["roc_auc"]).metrics["roc_auc"] for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("metric", ["average_precision", "brier"])
def test_better_is_above_zero_whichever_way_the_metric_goes(metric):
    assert compare(metric, scored(GOOD), scored(POOR), seed=1).low > 0
    assert compare(metric, scored(POOR), scored(GOOD), seed=1).high < 0
    assert compare(metric, scored(GOOD), scored(GOOD), seed=1).value == 0


def test_models_are_not_compared_on_different_rows():
    with pytest.raises(ValueError, match="same rows"):
        compare("brier", scored(GOOD), scored(GOOD[::-1], target=TARGET[::-1]), seed=1)


def test_slices_are_measured_alone():
    column = pl.Series("carrier", ["AA"] * 400 + ["BB"] * 200)
    first, second = evaluate_slices("recall", scored(GOOD), column, seed=1)
    assert (first.group, first.rows, first.support) == ("AA", 400, int(TARGET[:400].sum()))
    assert first.interval == evaluate(scored(GOOD[:400], target=TARGET[:400]), seed=1, metrics=["recall"]).metrics["recall"]
    assert second.rows == 200


def test_a_slice_without_positives_has_no_recall():
    rows = scored(np.array([0.1, 0.9, 0.2]), target=np.array([0.0, 1.0, 0.0]))
    found = {each.group: each for each in evaluate_slices("recall", rows, pl.Series("c", ["a", "b", "a"]), seed=1)}
    assert found["a"].interval.value is None
    assert found["a"].support == 0
    assert found["b"].interval.value == 1.0


@pytest.mark.parametrize(
    ("metric", "rests_on"), [("recall", 3), ("average_precision", 3), ("f1", 3), ("roc_auc", 2), ("precision", 1), ("brier", 5)]
)
def test_a_metric_rests_on_the_rows_that_it_is_about(metric, rests_on):
    rows = scored(np.array([0.9, 0.1, 0.2, 0.3, 0.4]), target=np.array([1.0, 1.0, 1.0, 0.0, 0.0]))
    assert support(metric, rows) == rests_on


def test_classes_may_be_numbered_as_another_model_numbers_them():
    shares = array_bytes(np.array([0.7, 0.3]))
    knows_two = Artifact(task="multiclass", family="constant", columns=(), classes=("b", "d"), files={"values.npy": shares}, details={})
    rows = score_rows(knows_two, pl.DataFrame({"x": [1, 2, 3]}), pl.Series(["b", "a", "d"]), classes=("a", "b", "c", "d"))
    assert rows.target.tolist() == [1.0, 0.0, 3.0]
    assert rows.scores.tolist() == [[0.0, 0.7, 0.0, 0.3]] * 3
    assert evaluate(rows, seed=0, metrics=["accuracy"]).metrics["accuracy"].value == pytest.approx(1 / 3)
