"""What a target asks for: the task, its classes, and labels as numbers."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.expressions import DType
from headrace.spec.metrics import BINARY, METRICS, MULTICLASS, REGRESSION, metrics_for
from headrace.training.errors import UnsuitableTarget

_INFERRED = {DType.BOOL: BINARY, DType.STRING: MULTICLASS, DType.INT: REGRESSION, DType.FLOAT: REGRESSION}
_ALLOWED = {
    DType.BOOL: (BINARY,),
    DType.STRING: (MULTICLASS,),
    DType.INT: (REGRESSION, BINARY, MULTICLASS),
    DType.FLOAT: (REGRESSION,),
}
BINARY_CLASSES = ("false", "true")


def infer_task(dtype: DType, declared: str | None, metric: str) -> str:
    """Return the task of a target: the declared one, else what its type says.

    Raises:
        UnsuitableTarget: if the type cannot be that task, or the metric is of another.
    """
    if dtype not in _INFERRED:
        remedy = "A target is bool for yes or no, string for classes, int or float for a number."
        raise UnsuitableTarget(f"the target is of type {dtype}.", remedy=remedy)
    task = declared or _INFERRED[dtype]
    if task not in _ALLOWED[dtype]:
        remedy = f"A target of type {dtype} can be {' or '.join(_ALLOWED[dtype])}; for yes or no of classes, write col(...) == 'yes'."
        raise UnsuitableTarget(f"the task is {task}, but the target is of type {dtype}.", remedy=remedy)
    if task not in METRICS[metric].tasks:
        hint = " For classes numbered by integers, say task= in hr.Model." if dtype is DType.INT and declared is None else ""
        raise UnsuitableTarget(
            f"the metric {metric!r} does not fit a {task} target of type {dtype}.",
            remedy=f"Choose one of {', '.join(metrics_for(task))}.{hint}",
        )
    return task


def learn_classes(task: str, target: pl.Series) -> tuple[str, ...]:
    """Return the labels in the order of their codes: sorted, numbers as numbers; `("false", "true")` for binary, none for regression."""
    if task == REGRESSION:
        return ()
    return BINARY_CLASSES if task == BINARY else tuple(str(value) for value in target.drop_nulls().unique().sort().to_list())


def encode_target(task: str, classes: tuple[str, ...], target: pl.Series) -> NDArray[np.float64]:
    """Return the target, without nulls, as numbers (n,): 0 and 1, class codes (-1 for one not among them), or the number itself.

    Raises:
        UnsuitableTarget: if a binary target of integers holds more than 0 and 1.
    """
    if task != MULTICLASS:
        numbers = target.cast(pl.Float64)
        if task == BINARY and not numbers.is_in([0.0, 1.0]).all():
            strange = target.filter(~numbers.is_in([0.0, 1.0])).sort()[0]
            raise UnsuitableTarget(
                f"the binary target holds {strange!r}.", remedy="Write a condition, such as col(...) > 0, or task='multiclass'."
            )
        return numbers.to_numpy()
    codes = {label: float(code) for code, label in enumerate(classes)}
    labels = target.cast(pl.String)
    table = {label: codes.get(label, -1.0) for label in labels.unique().to_list()}
    return labels.replace_strict(list(table), list(table.values()), return_dtype=pl.Float64).to_numpy()
