"""What was measured: metrics with intervals, slices, and differences between models on the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.models.artifact import Artifact
from headrace.models.decision import decide
from headrace.models.predictor import score_frame
from headrace.spec.metrics import BINARY, METRICS, MULTICLASS, metrics_for
from headrace.stats.bootstrap import Interval, bootstrap, paired_difference
from headrace.stats.measures import OF_DECISIONS, OF_SCORES, Measure
from headrace.training.slices import groups_of
from headrace.training.tasks import encode_target

_ABOUT_POSITIVES = ("average_precision", "roc_auc", "precision", "recall", "f1")


@dataclass(frozen=True, kw_only=True)
class ScoredRows:
    """Rows with what was to be predicted, `target` (n,) as numbers, and `scores` as a predictor gives them."""

    task: str
    target: NDArray[np.float64]
    scores: NDArray[np.float64]
    threshold: float = 0.5

    def measure(self, metric: str) -> Measure:
        """Return a metric prepared for these rows."""
        if metric in OF_SCORES:
            return OF_SCORES[metric](self.target, self.scores)
        return OF_DECISIONS[metric](self.target, decide(self.task, self.scores, self.threshold).astype(np.float64))

    def take(self, rows: NDArray[np.int64]) -> "ScoredRows":
        """Return some of the rows."""
        return ScoredRows(task=self.task, target=self.target[rows], scores=self.scores[rows], threshold=self.threshold)


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """Metrics with their intervals on some rows. `level` is that of each interval, corrected for looks where there were several."""

    task: str
    rows: int
    level: float
    threshold: float
    metrics: dict[str, Interval]


class SliceEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One metric on one group of rows; `support` is the number of rows that it rests on."""

    group: str
    rows: int
    support: int
    interval: Interval


def score_rows(
    artifact: Artifact, features: pl.DataFrame, target: pl.Series, threshold: float = 0.5, classes: tuple[str, ...] | None = None
) -> ScoredRows:
    """Score feature rows that have a target (no nulls), through the predictor that serves.

    `classes`, the artifact's own unless others are named, say what codes and columns mean; one that it does not know has probability 0.
    """
    scores, classes = score_frame(artifact, features), artifact.classes if classes is None else classes
    if artifact.task == MULTICLASS and classes != artifact.classes:
        own = np.zeros((len(scores), len(classes)))
        own[:, [classes.index(label) for label in artifact.classes]] = scores
        scores = own
    return ScoredRows(task=artifact.task, target=encode_target(artifact.task, classes, target), scores=scores, threshold=threshold)


def support(metric: str, rows: ScoredRows) -> int:
    """Return how many rows a metric rests on: of two classes those that it is about, the rarer for `roc_auc`; else all."""
    if rows.task != BINARY or metric not in _ABOUT_POSITIVES:
        return len(rows.target)
    if metric == "precision":
        return int((rows.scores >= rows.threshold).sum())
    positives = int(rows.target.sum())
    return min(positives, len(rows.target) - positives) if metric == "roc_auc" else positives


def evaluate(rows: ScoredRows, *, seed: int, level: float = 0.95, metrics: Sequence[str] | None = None) -> Evaluation:
    """Return metrics (default: all that fit the task) with bootstrap intervals; the same for the same arguments."""
    names = metrics_for(rows.task) if metrics is None else tuple(metrics)
    measured = bootstrap({name: rows.measure(name) for name in names}, len(rows.target), seed=seed, level=level)
    return Evaluation(task=rows.task, rows=len(rows.target), level=level, threshold=rows.threshold, metrics=measured)


def compare(metric: str, first: ScoredRows, second: ScoredRows, *, seed: int, level: float = 0.95) -> Interval:
    """Return by how much the first is better than the second on the same rows in the same order: above zero is better, for any metric."""
    if not np.array_equal(first.target, second.target):
        raise ValueError("models are compared on the same rows, in the same order")
    better, worse = (first, second) if METRICS[metric].higher_is_better else (second, first)
    return paired_difference(better.measure(metric), worse.measure(metric), len(first.target), seed=seed, level=level)


def evaluate_slices(metric: str, rows: ScoredRows, column: pl.Series, *, seed: int, level: float = 0.95) -> tuple[SliceEvaluation, ...]:
    """Return a metric for each group of a column's values, largest group first. Many numbers are grouped by their quartiles."""
    result = []
    for group, places in groups_of(column):
        part = rows.take(places)
        interval = bootstrap({metric: part.measure(metric)}, len(places), seed=seed, level=level)[metric]
        result.append(SliceEvaluation(group=group, rows=len(places), support=support(metric, part), interval=interval))
    return tuple(result)
