import time
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from headrace.models.predictor import score_frame
from headrace.spec.candidates import Baseline, GradientBoosting, Logistic, Outcomes, Ridge
from headrace.stats.bootstrap import Interval
from headrace.training.budget import Caps
from headrace.training.dataset import build_dataset
from headrace.training.errors import UnsuitableTarget
from headrace.training.evaluation import Evaluation
from headrace.training.splits import TEST, TRAIN, VALIDATION, Parts
from headrace.training.thresholds import choose_threshold
from headrace.training.train import Trained, choose, train_candidate

CASES = [
    (task, candidate)
    for task, linear in (("binary", Logistic()), ("multiclass", Logistic()), ("regression", Ridge()))
    for candidate in (Baseline(), linear, GradientBoosting())
]
LEARNERS = [case for case in CASES if not isinstance(case[1], Baseline)]


@pytest.mark.parametrize(("task", "candidate"), CASES)
def test_the_same_request_gives_the_same_bytes(task, candidate, request_for):
    first, again = (train_candidate(request_for(task, candidate)) for _ in range(2))
    assert first.artifact == again.artifact
    assert first.validation == again.validation
    assert first.stopped_by == "trials"
    assert len(first.trials) == 3


@pytest.mark.parametrize(("task", "candidate"), LEARNERS)
def test_learning_beats_the_baseline_on_rows_never_seen(task, candidate, request_for):
    request = request_for(task, candidate)
    baseline = train_candidate(request_for(task, Baseline(), caps=Caps(trials=1, seconds=60)))
    trained = train_candidate(request)
    assert choose(request.metric, [baseline, trained]) is trained
    assert trained.artifact.details["trained_rows"] == request.parts.counts()[TRAIN]


@pytest.mark.parametrize(("task", "candidate"), LEARNERS)
def test_the_test_rows_are_not_read(task, candidate, request_for):
    request = request_for(task, candidate, caps=Caps(trials=1, seconds=60))
    is_test = pl.Series(np.isin(np.arange(len(request.target)), request.parts.rows(TEST)))
    spoilt = request.features.with_columns(pl.when(is_test).then(None).otherwise(pl.all()).name.keep())
    target = request.target.clone().set(is_test, None)
    changed = train_candidate(request_for(task, candidate, caps=request.caps, features=spoilt, target=target))
    assert changed.artifact == train_candidate(request).artifact


def test_trials_are_told_and_the_best_is_kept(request_for):
    told = []
    request = request_for("regression", Ridge(), progress=lambda share, line: told.append((share, line)))
    trained = train_candidate(request)
    values = [trial.value for trial in trained.trials]
    assert trained.validation.metrics["rmse"].value == min(values)
    assert trained.artifact.details["alpha"] == trained.trials[int(np.argmin(values))].parameters["alpha"]
    assert trained.trials[0].parameters == {"alpha": 1.0}


def test_progress_rises_to_the_end(request_for):
    told = []
    train_candidate(request_for("binary", GradientBoosting(), progress=lambda share, line: told.append((share, line))))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert 0 < shares[0] <= shares[-1] <= 1
    assert told[0][1].startswith("trial 1 of 3, round 1: binary_logloss")


SLOW = GradientBoosting(num_leaves=127, learning_rate=0.0001, min_child_samples=5, reg_lambda=(0.001, 10.0), rounds=1_000_000)


def test_the_cap_on_time_stops_a_trial_that_runs_over_and_keeps_its_best(request_for):
    train_candidate(request_for("binary", GradientBoosting(), caps=Caps(trials=1, seconds=5)))  # imports are not the search's time
    started = time.monotonic()
    trained = train_candidate(request_for("binary", SLOW, caps=Caps(trials=100, seconds=1.0)))
    assert time.monotonic() - started < 3.0
    assert trained.stopped_by == "time"
    assert trained.seconds >= 1.0
    assert trained.artifact.details["rounds"] > 1
    assert trained.validation.metrics["roc_auc"].value > 0.9


def test_the_cap_on_cost_holds_by_cpu_seconds_and_price(request_for):
    seconds = iter(np.arange(0, 1000, 0.01))  # a hundredth of a second passes at each reading
    caps = Caps(trials=100, seconds=600, cost_usd=Decimal("0.50"), usd_per_cpu_second=Decimal("1"))
    trained = train_candidate(request_for("binary", SLOW, caps=caps, cpu_seconds=lambda: float(next(seconds))))
    assert trained.stopped_by == "cost"
    assert 0.5 <= trained.cpu_seconds < 0.6


def test_the_linear_search_stops_between_iterations(request_for):
    trained = train_candidate(request_for("binary", Logistic(), caps=Caps(trials=100, seconds=1e-6)))
    assert trained.stopped_by == "time"
    assert trained.artifact.details["iterations"] == 1


def test_the_threshold_is_the_cheapest_on_validation(request_for):
    costs = Outcomes(false_negative=10, false_positive=1)
    request = request_for("binary", Logistic(), costs=costs)
    trained = train_candidate(request)
    rows = request.parts.rows(VALIDATION)
    scores = score_frame(trained.artifact, request.features[rows])
    expected = choose_threshold(request.target[rows].cast(pl.Float64).to_numpy(), scores, costs)
    assert (trained.threshold, trained.mean_cost) == expected
    assert trained.threshold != 0.5
    assert trained.validation.threshold == trained.threshold


def test_without_costs_the_threshold_is_a_half(request_for):
    trained = train_candidate(request_for("binary", Baseline()))
    assert (trained.threshold, trained.mean_cost) == (0.5, None)


def test_a_metric_that_is_undefined_on_validation_is_refused(request_for):
    request = request_for("regression", Ridge(), metric="r2")
    flat = request.target.scatter(request.parts.rows(VALIDATION), 1.0)
    with pytest.raises(UnsuitableTarget, match="r2 is undefined"):
        train_candidate(request_for("regression", Ridge(), metric="r2", target=flat))


def test_classes_that_training_never_saw_are_counted_as_missed(request_for):
    request = request_for("multiclass", GradientBoosting())
    rows = request.parts.rows(VALIDATION)[:5]
    target = request.target.clone().scatter(rows, "wine 9")
    trained = train_candidate(request_for("multiclass", GradientBoosting(), target=target, metric="accuracy"))
    assert trained.artifact.classes == ("wine 0", "wine 1", "wine 2")
    assert trained.validation.metrics["accuracy"].value <= 1 - 5 / trained.validation.rows


def named(family, value, artifact):
    evaluation = Evaluation(task="binary", rows=1, level=0.95, threshold=0.5, metrics={"brier": Interval(value, 0.0, 1.0)})
    parts = {name: getattr(artifact, name) for name in artifact.__struct_fields__} | {"family": family}
    return Trained(
        candidate=family, artifact=type(artifact)(**parts), threshold=0.5, mean_cost=None, validation=evaluation, trials=(),
        stopped_by="trials", seconds=0.0, cpu_seconds=0.0,
    )  # fmt: skip


def test_the_best_is_chosen_and_of_equals_the_simplest(request_for):
    artifact = train_candidate(request_for("binary", Baseline())).artifact
    trees, linear, constant = (named(family, value, artifact) for family, value in (("lightgbm", 0.1), ("linear", 0.1), ("constant", 0.3)))
    assert choose("brier", [trees, linear, constant]) is linear
    better = named("lightgbm", 0.05, artifact)
    assert choose("brier", [constant, linear, better]) is better


def test_columns_and_classes_are_learnt_on_the_training_rows():
    features = pl.DataFrame({"colour": ["red", "red", "blue", "green", "green", "green"]})
    target = pl.Series(["a", "b", "a", "c", "c", "c"])
    dataset = build_dataset("multiclass", features, target, Parts(pl.Series([TRAIN, TRAIN, TRAIN, VALIDATION, VALIDATION, TEST])))
    assert dataset.columns[0].categories == ("red", "blue")
    assert dataset.classes == ("a", "b")
    assert dataset.validation.matrix.tolist() == [[-1.0], [-1.0]]
    assert dataset.validation.target.tolist() == [-1.0, -1.0]
