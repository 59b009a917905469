"""Aggregates over many slices [low, high) of one sorted column, exact or to the last digits of a double.

count: the edges say it, as they say which rows are first and last, whose values are picked. Sums of integers: prefix sums, exact. Sums,
means, variances of floats and extremes: `segments`. Distinct and quantile: `wavelet`. Empty slices give 0 for count and distinct, and null
otherwise.

NaN is a value as in Polars: sum, mean, var and std of a slice that holds one are NaN, min and max pass over it unless there is nothing
else, it is the greatest for a quantile, and all NaN are one distinct value, as are 0.0 and -0.0. A quantile is interpolated linearly, in
doubles, between the values at ranks floor(h) and floor(h) + 1 where h = probability * (n - 1) (type 7 of R. J. Hyndman, Y. Fan, "Sample
quantiles in statistical packages", 1996).
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.features import segments, wavelet

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
EXTREMES = {"min": segments.slice_minima, "max": segments.slice_maxima}


def aggregate_slices(kind: str, probability: float | None, values: pl.Series | None, low: Integers, high: Integers) -> pl.Series:
    """Return one aggregate, neither first nor last, for each slice. `values` has no null; it is None where rows are counted."""
    if kind == "count" or values is None:
        return pl.Series(high - low, dtype=pl.Int64)
    if kind in EXTREMES:
        return _extreme(kind, values, low, high)
    if kind == "distinct":
        return pl.Series(wavelet.slice_distincts(ranks(values)[0], low, high), dtype=pl.Int64)
    if kind == "quantile":
        assert probability is not None
        return _quantile(probability, values, low, high)
    return _moment(kind, values, low, high)


def pick(values: pl.Series, places: Integers, there: Booleans) -> pl.Series:
    """Return the values at some places, null where there is none."""
    if not len(values):
        return pl.Series(values=[], dtype=values.dtype).extend_constant(None, len(places))
    at = places.astype(np.uint32 if len(values) < 2**32 - 1 else np.uint64)
    np.multiply(at, there, out=at)
    return _where(there, values.gather(pl.Series(at)))


def ranks(values: pl.Series) -> tuple[Integers, pl.Series]:
    """Return each value's rank among the distinct values, from 0, and those in order; NaN is one value and the greatest, -0.0 is 0.0."""
    if values.dtype == pl.String:
        distinct = values.unique().sort()
        return values.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int64), distinct
    numbers = physical(values)
    ordered, codes = np.unique(numbers + 0.0 if numbers.dtype.kind == "f" else numbers, return_inverse=True)
    return codes.astype(np.int64), logical(ordered, values.dtype)


def physical(values: pl.Series) -> NDArray[Any]:
    """Return numbers, moments (microseconds) or booleans as int64 or float64."""
    return values.to_numpy() if values.dtype == pl.Float64 else values.to_physical().cast(pl.Int64).to_numpy()


def logical(numbers: NDArray[Any], dtype: pl.DataType) -> pl.Series:
    """Undo `physical`."""
    return pl.Series(numbers).cast(dtype)


def _extreme(kind: str, values: pl.Series, low: Integers, high: Integers) -> pl.Series:
    if values.dtype == pl.String:
        codes, distinct = ranks(values)
        return pick(distinct, EXTREMES[kind](codes, low, high), high > low)
    return _where(high > low, logical(EXTREMES[kind](physical(values), low, high), values.dtype))


def _quantile(probability: float, values: pl.Series, low: Integers, high: Integers) -> pl.Series:
    codes, distinct = ranks(values)
    ordered = physical(distinct).astype(np.float64)
    if not len(ordered):
        return pl.Series([None] * len(low), dtype=pl.Float64)
    position = probability * np.maximum(high - low - 1, 0)
    rank = np.floor(position).astype(np.int64)
    after = np.minimum(rank + 1, np.maximum(high - low - 1, 0))
    least = ordered[wavelet.slice_selects(codes, low, high, rank)]
    most = ordered[wavelet.slice_selects(codes, low, high, after)]
    share = position - rank
    with np.errstate(invalid="ignore", over="ignore"):
        between = np.where((share == 0) | (least == most), least, least + share * (most - least))
    return _where(high > low, pl.Series(between))


def _moment(kind: str, values: pl.Series, low: Integers, high: Integers) -> pl.Series:
    numbers, count = physical(values), high - low
    if numbers.dtype.kind == "i" and kind in ("sum", "mean"):
        whole = segments.slice_integer_sums if kind == "sum" else segments.slice_integer_means
        return _where(count > 0, pl.Series(whole(numbers, low, high)))
    if kind in ("sum", "mean"):
        sums = segments.slice_sums(numbers, low, high)
        return _where(count > 0, pl.Series(sums if kind == "sum" else sums / np.maximum(count, 1)))
    variances = segments.slice_variances(numbers, low, high)
    return _where(count > 1, pl.Series(np.sqrt(variances) if kind == "std" else variances))


def _where(there: Booleans, values: pl.Series) -> pl.Series:
    return values.set(pl.Series(~there), None)
