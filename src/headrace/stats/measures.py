"""Measures of predictions, each prepared once for some rows and then taken under any row weights.

`prepare` does the sorting and the per-row losses; what it returns gives the measure of a weighted sample in one linear pass. That makes
a bootstrap replicate (integer weights) as cheap as a sum, and the point estimate and its interval the same code. Undefined is NaN.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Measure = Callable[[Floats], float]
"""From row weights (n,) to the value of the measure."""


def dot(first: Floats, second: Floats) -> float:
    """Return the inner product, on one thread: BLAS would start others, whose number the last bits depend on."""
    return float(np.einsum("i,i->", first, second))


def ratio(above: float, below: float) -> float:
    """Return a quotient, NaN where it is undefined."""
    return float(above / below) if below != 0 else float("nan")


def mean_of(losses: Floats) -> Measure:
    """The weighted mean of a number per row."""
    return lambda weights: ratio(dot(weights, losses), float(weights.sum()))


class Ranking:
    """Rows in descending order of score, tied scores together."""

    def __init__(self, target: Floats, scores: Floats) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ordered = scores[self._order]
        self._positive = target[self._order]
        self._last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
        self.thresholds = ordered[self._last]

    def counts(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the weight of true and of false positives when decisions are `score >= threshold`, for each threshold, greatest first."""
        sorted_weights = weights[self._order]
        hits = np.cumsum(sorted_weights * self._positive)[self._last]
        return hits, np.cumsum(sorted_weights)[self._last] - hits


def average_precision(target: Floats, scores: Floats) -> Measure:
    """Average precision: the sum over thresholds of the step in recall times precision (Zhu, 2004; as in scikit-learn)."""
    ranking = Ranking(target, scores)

    def value(weights: Floats) -> float:
        hits, false = ranking.counts(weights)
        precision = np.divide(hits, hits + false, out=np.zeros_like(hits), where=hits + false > 0)
        return ratio(dot(np.diff(hits, prepend=0.0), precision), float(hits[-1]))

    return value


def roc_auc(target: Floats, scores: Floats) -> Measure:
    """Area under the receiver operating characteristic, by trapezoids (Hanley & McNeil, 1982): ties count half."""
    ranking = Ranking(target, scores)

    def value(weights: Floats) -> float:
        hits, false = ranking.counts(weights)
        area = dot(np.diff(false, prepend=0.0), hits + np.concatenate(([0.0], hits[:-1]))) / 2.0
        return ratio(area, float(hits[-1] * false[-1]))

    return value


def brier(target: Floats, scores: Floats) -> Measure:
    """Brier score: the mean squared difference of probability and outcome (Brier, 1950)."""
    return mean_of((scores - target) ** 2)


def log_loss(target: Floats, scores: Floats) -> Measure:
    """Mean negative log-likelihood (Good, 1952); (n,) scores are the probability of 1, (n, k) of each code.

    Probabilities are held off 0 and 1 by float64's epsilon. A target code outside 0..k-1, a class that the model does not know, had
    probability 0.
    """
    if scores.ndim == 1:
        likelihood = np.where(target == 1, scores, 1.0 - scores)
    else:
        known = (target >= 0) & (target < scores.shape[1])
        codes = np.where(known, target, 0).astype(np.int64)
        likelihood = np.where(known, scores[np.arange(len(target)), codes], 0.0)
    epsilon = np.finfo(np.float64).eps
    return mean_of(-np.log(np.clip(likelihood, epsilon, 1.0 - epsilon)))


def accuracy(target: Floats, decisions: Floats) -> Measure:
    """The share of decisions that are right."""
    return mean_of((target == decisions).astype(np.float64))


def precision(target: Floats, decisions: Floats) -> Measure:
    """The share of positive decisions that are right; 0 when nothing is decided positive, as in scikit-learn."""
    hits, positive = target * decisions, decisions.astype(np.float64)
    return lambda weights: ratio(dot(weights, hits), dot(weights, positive)) if dot(weights, positive) else 0.0


def recall(target: Floats, decisions: Floats) -> Measure:
    """The share of positives that are decided positive; undefined without positives."""
    hits = target * decisions
    return lambda weights: ratio(dot(weights, hits), dot(weights, target))


def f1(target: Floats, decisions: Floats) -> Measure:
    """The harmonic mean of precision and recall (van Rijsbergen, 1979)."""
    hits, both = target * decisions, target + decisions
    return lambda weights: ratio(2.0 * dot(weights, hits), dot(weights, both))


def macro_f1(target: Floats, decisions: Floats) -> Measure:
    """The mean over classes, those in the sample or decided for, of each one's F1."""
    labels, codes = np.unique(np.concatenate((target, decisions)), return_inverse=True)
    true, decided, size = codes[: len(target)], codes[len(target) :], len(labels)

    def value(weights: Floats) -> float:
        hits = np.bincount(true, weights * (true == decided), minlength=size)
        both = np.bincount(true, weights, minlength=size) + np.bincount(decided, weights, minlength=size)
        present = both > 0
        return float(np.mean(2.0 * hits[present] / both[present])) if present.any() else float("nan")

    return value


def rmse(target: Floats, scores: Floats) -> Measure:
    """Root mean squared error."""
    squared = mean_of((scores - target) ** 2)
    return lambda weights: float(np.sqrt(squared(weights)))


def mae(target: Floats, scores: Floats) -> Measure:
    """Mean absolute error."""
    return mean_of(np.abs(scores - target))


def r2(target: Floats, scores: Floats) -> Measure:
    """The coefficient of determination; undefined when the target does not vary."""
    residual = (scores - target) ** 2

    def value(weights: Floats) -> float:
        mean = ratio(dot(weights, target), float(weights.sum()))
        total = dot(weights, (target - mean) ** 2)
        return 1.0 - ratio(dot(weights, residual), total)

    return value


OF_SCORES: dict[str, Callable[[Floats, Floats], Measure]] = {
    "average_precision": average_precision,
    "roc_auc": roc_auc,
    "brier": brier,
    "log_loss": log_loss,
    "rmse": rmse,
    "mae": mae,
    "r2": r2,
}
OF_DECISIONS: dict[str, Callable[[Floats, Floats], Measure]] = {
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "macro_f1": macro_f1,
}
