"""Requests on scikit-learn's bundled sets."""

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from sklearn import datasets

from headrace.spec.candidates import Candidate
from headrace.spec.split import random
from headrace.training.budget import Caps
from headrace.training.splits import Parts, SplitRows, split_rows
from headrace.training.train import TrainRequest

METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


def load(task: str) -> tuple[pl.DataFrame, pl.Series]:
    """Breast cancer, wine or diabetes: numbers only."""
    loader = {"binary": datasets.load_breast_cancer, "multiclass": datasets.load_wine, "regression": datasets.load_diabetes}[task]
    bunch = loader()
    features = pl.DataFrame({f"c{index}": bunch.data[:, index] for index in range(bunch.data.shape[1])})
    target = {
        "binary": lambda: pl.Series(bunch.target == 1),
        "multiclass": lambda: pl.Series([f"wine {label}" for label in bunch.target]),
        "regression": lambda: pl.Series(bunch.target.astype(float)),
    }[task]()
    return features, target


def split(task: str, target: pl.Series) -> Parts:
    return split_rows(random(), SplitRows(task=task, target=target, arrival=pl.Series(np.arange(len(target)))), seed=1)


@pytest.fixture
def request_for() -> Callable[..., TrainRequest]:
    """Make a request for a task and a candidate."""

    def make(task: str, candidate: Candidate, **changes: object) -> TrainRequest:
        features, target = load(task)
        fields = {
            "candidate": candidate, "task": task, "metric": METRICS[task], "features": features, "target": target,
            "parts": split(task, target), "caps": Caps(trials=3, seconds=60), "seed": 5,
        }  # fmt: skip
        return TrainRequest(**fields | changes)

    return make
