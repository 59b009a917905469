"""Folding many slices of one array at once: sums, moments and extremes.

A slice [low, high) is the union of O(log length) nodes of a binary tree over the array. All slices climb the tree together, one level at
a time, so the work is a few array operations a level and no more than two levels are ever in memory. Nothing outside a slice enters
its result: no prefix sums of floats, whose differences lose digits.

Sums are kept as unevaluated pairs of doubles (T. J. Dekker, "A floating-point technique for extending the available precision",
Numerische Mathematik 18, 1971): about 31 digits, so that cancellation leaves the answer right. Moments are merged as (n, mean, M2)
(T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979), the
mean as such a pair.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.features.slice_values import exact_sum

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Node = tuple[NDArray[Any], ...]
Merge = Callable[[Node, Node], Node]


def slice_sums(values: Floats, low: Integers, high: Integers) -> Floats:
    """Return the sum of each slice; 0 for an empty one. NaN and infinities spread as in any sum."""
    zero = np.zeros(len(low))
    with np.errstate(over="ignore", invalid="ignore"):
        total, rest = _fold((values, np.zeros(len(values))), low, high, merge_sums, (zero, zero.copy()))
        sums = np.asarray(total + rest)
    passed = np.flatnonzero(~np.isfinite(sums))
    if len(passed):
        sums[passed] = _endless_sums(values, low[passed], high[passed])
    return sums


def _endless_sums(values: Floats, low: Integers, high: Integers) -> Floats:
    """Return sums that are not finite, or of which a part is not while the whole may be."""
    upwards, downwards, nans = (_holds(each, low, high) for each in (values == np.inf, values == -np.inf, np.isnan(values)))
    sums = np.where(nans | (upwards & downwards), np.nan, np.where(upwards, np.inf, -np.inf))
    for each in np.flatnonzero(~(upwards | downwards | nans)):
        sums[each] = exact_sum(values[low[each] : high[each]].tolist())
    return sums


def slice_integer_sums(values: Integers, low: Integers, high: Integers) -> Integers:
    """Return the exact sum of each slice, modulo 2**64 as in Polars."""
    before = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=before[1:])
    sums = before.take(high)
    sums -= before.take(low)
    return sums


def slice_integer_means(values: Integers, low: Integers, high: Integers) -> Floats:
    """Return the mean of each slice, right even where the sum passes 2**63; NaN for an empty one."""
    if len(values) * max(int(values.max(initial=0)), -int(values.min(initial=0))) < 2**53:
        with np.errstate(invalid="ignore"):
            return np.asarray(slice_integer_sums(values, low, high) / (high - low))
    upper = slice_integer_sums(values >> 32, low, high)
    lower = slice_integer_sums(values & 0xFFFFFFFF, low, high)
    with np.errstate(invalid="ignore"):
        return np.asarray((upper * 4294967296.0 + lower) / (high - low))


def slice_variances(values: NDArray[Any], low: Integers, high: Integers) -> Floats:
    """Return the sample variance (ddof 1) of each slice; NaN where it holds fewer than two values, or one that is not finite.

    One that passes the largest double is infinite.
    """
    count, zeros = np.ones(len(values)), np.zeros(len(values))
    means, rests = (values, zeros) if values.dtype.kind == "f" else _two_sum(*_halves(values))
    start = tuple(np.zeros(len(low)) for _ in range(4))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        counts, mean, _, spread = _fold((count, means, rests, zeros), low, high, _merge_moments, start)
        variances = np.where(counts > 1, spread / (counts - 1), np.nan)
    passed = (counts > 1) & ~(np.isfinite(mean) & np.isfinite(variances))
    if passed.any():
        variances[passed] = np.where(_holds(~np.isfinite(values), low[passed], high[passed]), np.nan, np.inf)
    return variances


def _holds(marked: NDArray[np.bool_], low: Integers, high: Integers) -> NDArray[np.bool_]:
    """Tell which slices hold a marked value."""
    before = np.concatenate([[0], np.cumsum(marked)])
    return np.asarray(before[low] < before[high])


def _halves(values: Integers) -> tuple[Floats, Floats]:
    """Return integers as sums of two doubles, exactly."""
    return (values >> 32).astype(np.float64) * 2.0**32, (values & 0xFFFFFFFF).astype(np.float64)


def slice_minima(values: NDArray[Any], low: Integers, high: Integers) -> NDArray[Any]:
    """Return the least of each slice, NaN only where all are; whatever stands first in `values` for an empty one."""
    return _extremes(values, low, high, np.fmin)


def slice_maxima(values: NDArray[Any], low: Integers, high: Integers) -> NDArray[Any]:
    """Return the greatest of each slice, NaN only where all are; whatever stands first in `values` for an empty one."""
    return _extremes(values, low, high, np.fmax)


def block_sums(values: Floats, size: int) -> tuple[Floats, Floats]:
    """Return the sums of the whole blocks of `size` (a power of two) values, as pairs of doubles."""
    level: Node = (values, np.zeros(len(values)))
    with np.errstate(over="ignore", invalid="ignore"):
        while size > 1:
            level, size = _parents(level, merge_sums), size // 2
    return level[0], level[1]


def merge_sums(left: Node, right: Node) -> Node:
    """Return the sums of two pairs of doubles, as pairs."""
    total, error = _two_sum(left[0], right[0])
    return _two_sum(total, error + (left[1] + right[1]))


def _merge_moments(left: Node, right: Node) -> Node:
    """Merge (n, mean, rest of the mean, M2); `right` is never empty, and an empty `left` leaves it as it is."""
    count_a, mean_a, rest_a, spread_a = left
    count_b, mean_b, rest_b, spread_b = right
    count = count_a + count_b
    difference, error = _two_sum(mean_b, -mean_a)
    difference = difference + (error + (rest_b - rest_a))
    mean, error = _two_sum(mean_a, difference * (count_b / count))
    mean, rest = _two_sum(mean, error + rest_a)
    spread = spread_a + spread_b + difference * difference * (count_a / count * count_b)
    alone = count_a == 0
    return count, np.where(alone, mean_b, mean), np.where(alone, rest_b, rest), np.where(alone, spread_b, spread)


def _two_sum(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return a sum and its rounding error (Knuth); no error where the sum is not finite."""
    total = left + right
    part = total - left
    error = (left - (total - part)) + (right - part)
    return total, np.where(np.isfinite(total), error, 0.0)


def _extremes(values: NDArray[Any], low: Integers, high: Integers, choose: np.ufunc) -> NDArray[Any]:
    if len(values) == 0:
        return np.zeros(len(low), values.dtype)
    start = values[np.minimum(low, len(values) - 1)]
    return _fold((values,), low, high, lambda left, right: (choose(left[0], right[0]),), (start,))[0]


def _fold(leaves: Node, low: Integers, high: Integers, merge: Merge, start: Node) -> Node:
    """Return, for each slice, `start` merged with all leaves from low up to high; every `high` is at least its `low`."""
    results = tuple(each.copy() for each in start)
    level, rows = leaves, np.arange(len(low))
    while True:
        keep = low < high
        low, high, rows = low[keep], high[keep], rows[keep]
        if len(rows) == 0:
            return results
        _take(results, rows, level, low, low & 1 == 1, merge)
        _take(results, rows, level, high - 1, high & 1 == 1, merge)
        low, high = (low + 1) >> 1, high >> 1
        level = _parents(level, merge)


def _take(results: Node, rows: Integers, level: Node, nodes: Integers, chosen: NDArray[np.bool_], merge: Merge) -> None:
    to, at = rows[chosen], nodes[chosen]
    merged = merge(tuple(each[to] for each in results), tuple(each[at] for each in level))
    for result, each in zip(results, merged, strict=True):
        result[to] = each


def _parents(level: Node, merge: Merge) -> Node:
    pairs = len(level[0]) // 2 * 2
    return merge(tuple(each[0:pairs:2] for each in level), tuple(each[1:pairs:2] for each in level))
