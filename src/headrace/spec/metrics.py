"""The metrics a model may be judged by: which kind of target each is for, and which way is better."""

from typing import NamedTuple

BINARY, MULTICLASS, REGRESSION = "binary", "multiclass", "regression"
TASKS = (BINARY, MULTICLASS, REGRESSION)


class MetricKind(NamedTuple):
    """What is known of a metric before anything is measured."""

    tasks: tuple[str, ...]
    higher_is_better: bool


METRICS = {
    "average_precision": MetricKind((BINARY,), True),
    "roc_auc": MetricKind((BINARY,), True),
    "brier": MetricKind((BINARY,), False),
    "log_loss": MetricKind((BINARY, MULTICLASS), False),
    "accuracy": MetricKind((BINARY, MULTICLASS), True),
    "precision": MetricKind((BINARY,), True),
    "recall": MetricKind((BINARY,), True),
    "f1": MetricKind((BINARY,), True),
    "macro_f1": MetricKind((MULTICLASS,), True),
    "rmse": MetricKind((REGRESSION,), False),
    "mae": MetricKind((REGRESSION,), False),
    "r2": MetricKind((REGRESSION,), True),
}
NEEDS_THRESHOLD = frozenset({"accuracy", "precision", "recall", "f1"})
"""Binary metrics of the decision rather than of the score."""


def metrics_for(task: str) -> tuple[str, ...]:
    """Return the names of the metrics that fit a task."""
    return tuple(name for name, kind in METRICS.items() if task in kind.tasks)
