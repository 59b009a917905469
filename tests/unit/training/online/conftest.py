"""A stream of rows whose answers come late: two numbers, a flag and a text, with holes, and a target that they tell something of."""

import numpy as np
import pytest

from headrace.models.artifact import ModelColumn
from headrace.training.dataset import Dataset, EncodedRows
from headrace.training.moments import Moments

ROWS = 800
COLUMNS = (
    ModelColumn("size", "numeric"),
    ModelColumn("same", "numeric"),
    ModelColumn("flag", "boolean"),
    ModelColumn("colour", "categorical", ("red", "blue", "green")),
)
HOUR = 3_600_000_000


def make_rows(classes: int, seed: int = 3) -> EncodedRows:
    rng = np.random.default_rng(seed)
    matrix = np.column_stack(
        (rng.normal(size=ROWS), np.full(ROWS, 7.0), rng.integers(0, 2, ROWS), rng.choice([-1.0, 0.0, 1.0, 2.0], ROWS))
    ).astype(np.float64)
    raw = matrix[:, 0] + (matrix[:, 3] == 0) - 0.5 * matrix[:, 2] + rng.normal(size=ROWS) / 2
    target = np.searchsorted(np.quantile(raw, np.arange(1, classes) / classes), raw).astype(np.float64)
    matrix[rng.random(matrix.shape) < 0.05] = np.nan
    return EncodedRows(matrix, target)


def make_moments(seed: int = 4) -> Moments:
    """Questions out of order, a few minutes apart; answers after nothing to a day."""
    rng = np.random.default_rng(seed)
    asked = rng.permutation(np.arange(ROWS, dtype=np.int64)) * 600_000_000
    return Moments(asked, asked + rng.integers(0, 24 * HOUR, ROWS))


@pytest.fixture
def dataset():
    """Make a dataset of two classes, or of several."""

    def make(classes: int = 2, moments: Moments | None = None) -> Dataset:
        rows = make_rows(classes)
        names = ("false", "true") if classes == 2 else tuple("abcdef"[:classes])
        task = "binary" if classes == 2 else "multiclass"
        return Dataset(task=task, columns=COLUMNS, classes=names, train=rows, validation=rows, moments=moments or make_moments())

    return make
