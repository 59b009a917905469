"""Bootstrap intervals (Efron, 1979): rows are drawn with replacement, as integer weights.

Values have percentile intervals, which stay within a measure's range. Differences have basic ones (Davison & Hinkley, Bootstrap Methods and
their Application, 1997, 5.2): what resampling adds to a measure is taken off instead of counted twice. Average precision gains by it, as a
row drawn twice ranks beside itself: by percentiles random scores beat a constant in 10 to 40 of 100 tries, by the basic method in none.
Both take rows to be independent; rows that come in bunches, such as the flights of one stormy day, are less certain than their intervals.
"""

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
    """Return the level of each of k intervals that hold together at `level`: 1 - (1 - level) / k (Bonferroni, 1936).

    Looks that came before were judged at their own, lower level: over K looks the chance of any false alarm is up to
    (1 - level) (1 + 1/2 + ... + 1/K), not (1 - level).
    """
    return 1.0 - (1.0 - level) / max(looks, 1)


def resamples(rows: int, replicates: int, seed: int, first: int = 0) -> Iterator[Floats]:
    """Yield weights (n,) of bootstrap samples; the same for the same arguments, from the `first` on of those that there would be."""
    generator = np.random.default_rng(seed)
    for _ in range(first):
        generator.integers(0, rows, rows)
    for _ in range(first, replicates):
        yield np.bincount(generator.integers(0, rows, rows), minlength=rows).astype(np.float64)


def bootstrap(measures: Mapping[str, Measure], rows: int, *, seed: int, level: float = 0.95) -> dict[str, Interval]:
    """Return the value and percentile interval of each measure, all on the same resamples.

    Resamples on which a measure is undefined do not count; with no rows, everything is undefined.
    """
    if not rows:
        return {name: Interval(None, None, None) for name in measures}
    return intervals(measures, draws(measures, rows, seed, range(replicates_for(level))), rows, level)


def draws(measures: Mapping[str, Measure], rows: int, seed: int, which: range) -> dict[str, list[float]]:
    """Return what each measure gives on some of the resamples: those of several calls, one after the other, are those of one."""
    drawn: dict[str, list[float]] = {name: [] for name in measures}
    for weights in resamples(rows, which.stop, seed, which.start):
        for name, measure in measures.items():
            drawn[name].append(measure(weights))
    return drawn


def intervals(measures: Mapping[str, Measure], drawn: Mapping[str, list[float]], rows: int, level: float) -> dict[str, Interval]:
    """Return the value of each measure on the rows, and its percentile interval by what was drawn."""
    whole = np.ones(rows)
    return {name: _interval(measure(whole), drawn[name], level) for name, measure in measures.items()}


def paired_difference(first: Measure, second: Measure, rows: int, *, seed: int, level: float = 0.95) -> Interval:
    """Return first minus second with its basic interval, both measured on the same resamples of the same rows."""
    return basic(bootstrap({"difference": difference(first, second)}, rows, seed=seed, level=level)["difference"])


def difference(first: Measure, second: Measure) -> Measure:
    """Return the measure that is first minus second."""
    return lambda weights: first(weights) - second(weights)


def basic(found: Interval) -> Interval:
    """Return the basic interval that belongs to a percentile interval."""
    if found.value is None or found.low is None or found.high is None:
        return found
    return Interval(found.value, 2.0 * found.value - found.high, 2.0 * found.value - found.low)


def _interval(value: float, drawn: list[float], level: float) -> Interval:
    defined = np.array([each for each in drawn if each == each])
    if value != value or not len(defined):
        return Interval(None, None, None)
    low, high = np.quantile(defined, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(value, float(low), float(high))
