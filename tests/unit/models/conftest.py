"""Small artifacts of every family and task, trained on rows with numbers, flags, texts and nulls."""

import numpy as np
import polars as pl
import pytest

from headrace.models.artifact import Artifact
from headrace.spec.candidates import Baseline, Candidate, GradientBoosting, HoeffdingTree, Logistic, Ridge
from headrace.spec.split import random
from headrace.training.budget import Caps
from headrace.training.splits import SplitRows, split_rows
from headrace.training.train import TrainRequest, train_candidate

ROWS = 400
METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


def make_features() -> pl.DataFrame:
    generator = np.random.default_rng(7)
    frame = pl.DataFrame(
        {
            "size": generator.normal(size=ROWS),
            "count": generator.integers(0, 50, ROWS),
            "flag": generator.random(ROWS) < 0.4,
            "colour": generator.choice(["red", "blue", "green", "rare"], ROWS, p=[0.5, 0.3, 0.19, 0.01]),
            "same": np.ones(ROWS),
        }
    )
    holes = pl.Series(generator.random(ROWS) < 0.1)
    return frame.with_columns(
        size=pl.when(holes).then(None).otherwise("size"),
        colour=pl.when(holes.reverse()).then(None).otherwise("colour"),
        empty=pl.lit(None, pl.Float64),
    )


def make_target(task: str, features: pl.DataFrame) -> pl.Series:
    signal = features["size"].fill_null(0) + (features["colour"] == "red").fill_null(False).cast(float) + features["count"] / 50
    if task == "regression":
        return signal
    if task == "binary":
        return signal > 0.8
    return pl.Series(np.array(["low", "middle", "high"])[np.searchsorted([0.2, 1.2], signal.to_numpy())])


def train(task: str, candidate: Candidate, features: pl.DataFrame) -> Artifact:
    target = make_target(task, features)
    parts = split_rows(random(), SplitRows(task=task, target=target, arrival=pl.Series(np.arange(ROWS))), 1)
    request = TrainRequest(
        candidate=candidate,
        task=task,
        metric=METRICS[task],
        features=features,
        target=target,
        parts=parts,
        caps=Caps(trials=1, seconds=30),
        seed=1,
    )
    return train_candidate(request).artifact


@pytest.fixture(scope="session")
def features() -> pl.DataFrame:
    return make_features()


@pytest.fixture(scope="session")
def artifacts(features: pl.DataFrame) -> dict[tuple[str, str], Artifact]:
    """One for each (family, task)."""
    result = {}
    for task in METRICS:
        linear = Ridge(alpha=1.0) if task == "regression" else Logistic(c=1.0)
        trees = GradientBoosting(num_leaves=7, learning_rate=0.1, min_child_samples=5, reg_lambda=1.0, rounds=40)
        for family, candidate in (("constant", Baseline()), ("linear", linear), ("lightgbm", trees)):
            result[family, task] = train(task, candidate, features)
        if task != "regression":
            result["hoeffding_tree", task] = train(task, HoeffdingTree(grace_period=20, delta=0.01), features)
    return result
