"""Bootstrap intervals (Efron, 1979), by the percentile method: rows are drawn with replacement, as integer weights."""

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from headrace.stats.measures import Floats, Measure

REPLICATES = 200
_BEYOND_EDGE = 5


class Interval(msgspec.Struct, frozen=True):
    """A value and the bounds that chance leaves it at some level. None is undefined, such as recall without positives."""

    value: float | None
    low: float | None
    high: float | None


def replicates_for(level: float, least: int = REPLICATES) -> int:
    """Return how many replicates an interval at this level needs, so that five lie beyond each edge."""
    return max(least, int(np.ceil(2 * _BEYOND_EDGE / (1.0 - level) - 1e-9)))


def bonferroni_level(looks: int, level: float = 0.95) -> float:
    """Return the level of each of k intervals that hold together at `level`: 1 - (1 - level) / k (Bonferroni, 1936)."""
    return 1.0 - (1.0 - level) / max(looks, 1)


def resamples(rows: int, replicates: int, seed: int) -> Iterator[Floats]:
    """Yield weights (n,) of bootstrap samples; the same for the same arguments."""
    generator = np.random.default_rng(seed)
    for _ in range(replicates):
        yield np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(np.float64)


def bootstrap(measures: Mapping[str, Measure], rows: int, *, seed: int, level: float = 0.95) -> dict[str, Interval]:
    """Return the value and percentile interval of each measure, all on the same resamples.

    Resamples on which a measure is undefined do not count; with no rows, everything is undefined.
    """
    if not rows:
        return {name: Interval(None, None, None) for name in measures}
    drawn: dict[str, list[float]] = {name: [] for name in measures}
    for weights in resamples(rows, replicates_for(level), seed):
        for name, measure in measures.items():
            drawn[name].append(measure(weights))
    whole = np.ones(rows)
    return {name: _interval(measure(whole), drawn[name], level) for name, measure in measures.items()}


def paired_difference(first: Measure, second: Measure, rows: int, *, seed: int, level: float = 0.95) -> Interval:
    """Return first minus second with its interval, both measured on the same resamples of the same rows."""
    return bootstrap({"difference": lambda weights: first(weights) - second(weights)}, rows, seed=seed, level=level)["difference"]


def _interval(value: float, drawn: list[float], level: float) -> Interval:
    defined = np.array([each for each in drawn if each == each])
    if value != value or not len(defined):
        return Interval(None, None, None)
    low, high = np.quantile(defined, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(value, float(low), float(high))
