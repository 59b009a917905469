"""Trials and bootstrap samples in tasks: the numbers of one process."""

import numpy as np
import pytest

from headrace.engine.executor import Here
from headrace.features.shared import Shared
from headrace.lake.reference import LakeReference
from headrace.models.artifact import ModelColumn
from headrace.spec.candidates import Baseline, GradientBoosting, Logistic, OnlineLogistic, Ridge
from headrace.training.budget import Budget, Caps
from headrace.training.dataset import Dataset, EncodedRows
from headrace.training.evaluation import ScoredRows, compare, evaluate
from headrace.training.judging import Judging
from headrace.training.moments import Moments
from headrace.training.spread_sampling import SpreadSampler
from headrace.training.spread_trials import SpreadWork
from headrace.training.spreading import Spread
from headrace.training.tuning import Search, WorkHere, search


class Several(Here):
    slots = 3


@pytest.fixture
def shared(tmp_path):
    return Shared(LakeReference(str(tmp_path), "shop"), "scratch")


def dataset(task):
    rng = np.random.default_rng(3)
    matrix = np.asfortranarray(rng.normal(size=(300, 4)))
    raw = matrix @ np.array([1.0, -2.0, 0.5, 0.0]) + rng.normal(size=300)
    target = raw if task == "regression" else (raw > 0).astype(np.float64)
    columns = tuple(ModelColumn(f"x{number}", "numeric") for number in range(4))
    parts = [EncodedRows(matrix[part], target[part]) for part in (slice(0, 200), slice(200, 300))]
    classes = () if task == "regression" else ("false", "true")
    moments = Moments(np.arange(200)[::-1] * 10, np.arange(200)[::-1] * 10 + rng.integers(0, 900, 200))
    return Dataset(task=task, columns=columns, classes=classes, train=parts[0], validation=parts[1], moments=moments)


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize(
    ("candidate", "task", "metric"),
    [
        (Baseline(), "binary", "log_loss"),
        (Logistic(), "binary", "log_loss"),
        (Ridge(), "regression", "rmse"),
        (GradientBoosting(rounds=20), "binary", "log_loss"),
        (OnlineLogistic(), "binary", "log_loss"),
    ],
    ids=["baseline", "logistic", "ridge", "boosting", "online"],
)
def test_trials_are_the_same_in_the_same_order(shared, candidate, task, metric, at_once):
    rows = dataset(task)
    judging = Judging(candidate, metric, None, 5, 1)

    def found(work):
        caps = Caps(trials=5, seconds=600.0)
        return search(
            Search(
                candidate=candidate, defaults=judging.trainer_kind().defaults, work=work, at_once=at_once, higher_is_better=False,
                caps=caps, budget=Budget(caps), seed=5, progress=lambda share, line: None,
            )
        )  # fmt: skip

    here = found(WorkHere(judging.trainer(rows), lambda artifact: judging.judge(rows, artifact)))
    there = found(SpreadWork(Spread(Several(), shared, lambda: None), judging, rows))
    assert here.artifact == there.artifact
    assert [(each.number, each.parameters, each.value) for each in here.trials] == [
        (each.number, each.parameters, each.value) for each in there.trials
    ]
    assert len(here.trials) == 5


@pytest.mark.parametrize("level", [0.95, 0.999])
def test_resamples_that_are_shared_out_give_the_same_intervals(shared, level):
    rng = np.random.default_rng(1)
    target = (rng.random(200) < 0.3).astype(np.float64)
    first, second = (ScoredRows(task="binary", target=target, scores=rng.random(200)) for _ in range(2))
    sampler = SpreadSampler(Several(), shared, lambda: None)
    assert evaluate(first, seed=4, level=level, sampler=sampler) == evaluate(first, seed=4, level=level)
    assert compare("roc_auc", first, second, seed=4, level=level, sampler=sampler) == compare("roc_auc", first, second, seed=4, level=level)


def test_classes_keep_their_columns(shared):
    rng = np.random.default_rng(1)
    scores = rng.dirichlet(np.ones(3), 100)
    rows = ScoredRows(task="multiclass", target=rng.integers(0, 3, 100).astype(np.float64), scores=scores)
    sampler = SpreadSampler(Several(), shared, lambda: None)
    assert evaluate(rows, seed=4, sampler=sampler) == evaluate(rows, seed=4)


def test_no_rows_are_undefined(shared):
    none = ScoredRows(task="binary", target=np.zeros(0), scores=np.zeros(0))
    found = evaluate(none, seed=1, sampler=SpreadSampler(Several(), shared, lambda: None))
    assert {interval.value for interval in found.metrics.values()} == {None}
