"""What was measured: metrics with intervals, slices, and differences between models on the same rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.models.artifact import Artifact
from headrace.models.decision import decide
from headrace.models.predictor import score_frame
from headrace.spec.metrics import BINARY, METRICS, MULTICLASS, metrics_for
from headrace.stats.bootstrap import Interval, basic, difference, draws, intervals, replicates_for
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


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """Metrics to be measured on resamples of rows; `against` other rows, of as many, by how much they are higher."""

    rows: ScoredRows
    metrics: tuple[str, ...]
    seed: int
    level: float
    against: ScoredRows | None = None

    @property
    def replicates(self) -> int:
        """How many resamples there are."""
        return replicates_for(self.level)

    def measures(self) -> dict[str, Measure]:
        """Return each metric prepared for the rows."""
        if self.against is None:
            return {name: self.rows.measure(name) for name in self.metrics}
        return {name: difference(self.rows.measure(name), self.against.measure(name)) for name in self.metrics}

    def draws(self, which: range) -> dict[str, list[float]]:
        """Return what the metrics are on some of the resamples."""
        return draws(self.measures(), len(self.rows.target), self.seed, which)


Sampler = Callable[[Sampling], Mapping[str, list[float]]]
"""Measures on every resample: all of them here, or some here and some there."""


def sample_here(what: Sampling) -> dict[str, list[float]]:
    """Measure on every resample in this process."""
    return what.draws(range(what.replicates))


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
    scores = among(scores, artifact.classes, classes) if artifact.task == MULTICLASS else scores
    return ScoredRows(task=artifact.task, target=encode_target(artifact.task, classes, target), scores=scores, threshold=threshold)


def among(scores: NDArray[np.float64], own: tuple[str, ...], classes: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the scores (n, own classes) as scores of `classes`, which hold all of the own ones: the others have probability 0."""
    if own == classes:
        return scores
    whole = np.zeros((len(scores), len(classes)))
    whole[:, [classes.index(label) for label in own]] = scores
    return whole


def support(metric: str, rows: ScoredRows) -> int:
    """Return how many rows a metric rests on: of two classes those that it is about, the rarer for `roc_auc`; else all."""
    if rows.task != BINARY or metric not in _ABOUT_POSITIVES:
        return len(rows.target)
    if metric == "precision":
        return int((rows.scores >= rows.threshold).sum())
    positives = int(rows.target.sum())
    return min(positives, len(rows.target) - positives) if metric == "roc_auc" else positives


def evaluate(
    rows: ScoredRows, *, seed: int, level: float = 0.95, metrics: Sequence[str] | None = None, sampler: Sampler = sample_here
) -> Evaluation:
    """Return metrics (default: all that fit the task) with bootstrap intervals; the same for the same arguments, whoever samples."""
    names = metrics_for(rows.task) if metrics is None else tuple(metrics)
    measured = _intervals(Sampling(rows=rows, metrics=names, seed=seed, level=level), sampler)
    return Evaluation(task=rows.task, rows=len(rows.target), level=level, threshold=rows.threshold, metrics=measured)


def compare(
    metric: str, first: ScoredRows, second: ScoredRows, *, seed: int, level: float = 0.95, sampler: Sampler = sample_here
) -> Interval:
    """Return by how much the first is better than the second on the same rows in the same order: above zero is better, for any metric."""
    if not np.array_equal(first.target, second.target):
        raise ValueError("models are compared on the same rows, in the same order")
    better, worse = (first, second) if METRICS[metric].higher_is_better else (second, first)
    return basic(_intervals(Sampling(rows=better, against=worse, metrics=(metric,), seed=seed, level=level), sampler)[metric])


def evaluate_slices(
    metric: str, rows: ScoredRows, column: pl.Series, *, seed: int, level: float = 0.95, sampler: Sampler = sample_here
) -> tuple[SliceEvaluation, ...]:
    """Return a metric for each group of a column's values, largest group first. Many numbers are grouped by their quartiles."""
    result = []
    for group, places in groups_of(column):
        part = rows.take(places)
        interval = _intervals(Sampling(rows=part, metrics=(metric,), seed=seed, level=level), sampler)[metric]
        result.append(SliceEvaluation(group=group, rows=len(places), support=support(metric, part), interval=interval))
    return tuple(result)


def _intervals(what: Sampling, sampler: Sampler) -> dict[str, Interval]:
    if not len(what.rows.target):
        return {name: Interval(None, None, None) for name in what.metrics}
    return intervals(what.measures(), sampler(what), len(what.rows.target), what.level)
