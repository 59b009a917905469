"""LightGBM as somebody uses it who just wants a model: its own Python API, its defaults, early stopping, and the same rows to learn from.

Numbers as they are, dates as seconds, texts as category codes. Texts of which more than half are different are left out, as anybody
would: names, ids and long texts.
"""

from dataclasses import dataclass

import lightgbm
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.spec.metrics import BINARY, MULTICLASS, REGRESSION
from headrace.training.evaluation import ScoredRows
from headrace.training.splits import TEST, TRAIN, VALIDATION, Parts
from headrace.training.tasks import encode_target, learn_classes

_MOST_ROUNDS = 1000
_PATIENCE = 50
_ROWS_FOR_THREADS = 20_000
"""With fewer, two threads on a busy machine do nothing but wait for each other, here as in Headrace."""
_OBJECTIVES = {BINARY: "binary", MULTICLASS: "multiclass", REGRESSION: "regression"}


@dataclass(frozen=True, kw_only=True)
class Rows:
    """What a model is made from, one entry a row: the table's own columns, the target, and the part that each row is in."""

    task: str
    columns: pl.DataFrame
    target: pl.Series
    parts: Parts


def score(rows: Rows) -> ScoredRows:
    """Train on the train rows, stop by the validation rows, and score the test rows."""
    classes = learn_classes(rows.task, rows.target[rows.parts.rows(TRAIN)])
    matrix, categorical = _encode(rows)
    train, validation, test = (rows.parts.rows(part) for part in (TRAIN, VALIDATION, TEST))
    answers = {part: encode_target(rows.task, classes, rows.target[rows.parts.rows(part)]) for part in (TRAIN, VALIDATION, TEST)}
    known = answers[VALIDATION] >= 0 if rows.task == MULTICLASS else np.ones(len(validation), dtype=bool)
    learnt = lightgbm.Dataset(matrix[train], answers[TRAIN], categorical_feature=categorical)
    held = lightgbm.Dataset(matrix[validation[known]], answers[VALIDATION][known], reference=learnt)
    parameters = {"objective": _OBJECTIVES[rows.task], "verbosity": -1, "num_threads": 2 if len(train) >= _ROWS_FOR_THREADS else 1}
    if rows.task == MULTICLASS:
        parameters["num_class"] = len(classes)
    booster = lightgbm.train(
        parameters,
        learnt,
        num_boost_round=_MOST_ROUNDS,
        valid_sets=[held],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
    )
    return ScoredRows(task=rows.task, target=answers[TEST], scores=np.asarray(booster.predict(matrix[test])))


def _encode(rows: Rows) -> tuple[NDArray[np.float64], list[int]]:
    train = rows.parts.rows(TRAIN)
    kept = [column for column in rows.columns.iter_columns() if not _is_all_different(column)]
    codes = [_numbers(column, column[train]) for column in kept]
    categorical = [place for place, column in enumerate(kept) if column.dtype == pl.String]
    return np.column_stack(codes) if codes else np.zeros((rows.columns.height, 1)), categorical


def _is_all_different(column: pl.Series) -> bool:
    return column.dtype == pl.String and column.n_unique() > max(20, 0.5 * column.count())


def _numbers(column: pl.Series, learnt: pl.Series) -> NDArray[np.float64]:
    if column.dtype == pl.String:
        levels = learnt.drop_nulls().unique().sort()
        return column.replace_strict(levels, np.arange(len(levels), dtype=float), default=None, return_dtype=pl.Float64).to_numpy()
    if column.dtype == pl.Datetime:
        return column.dt.epoch("s").cast(pl.Float64).to_numpy()
    return column.cast(pl.Float64).to_numpy()
