"""The aggregate of one slice of numbers, int64 or float64, without preparation.

Sums are exact to the last digit (`math.fsum`, after J. R. Shewchuk 1997). Variances shift by the first value, then take two passes: no
difference of squares. What an empty slice gives, and what NaN does, is said in `slices`.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
SliceValue = Callable[[Numbers], float | int | None]
_DOWN = 64
"""By how many powers of two numbers are made smaller whose sum passes the largest double: no table has so many rows."""
_FEW = 64
"""Of no more integers than this the sum is made in Python, which knows no bounds, rather than looked at for its bounds first."""


def slice_value(kind: str, probability: float | None) -> SliceValue:
    """Return a function of a slice that gives its sum, mean, var, std, min, max, distinct or quantile."""
    return quantile(probability or 0.0) if kind == "quantile" else _VALUES[kind]


def quantile(probability: float) -> SliceValue:
    """Return a function of a slice that gives a quantile, interpolated between doubles."""

    def value(numbers: Numbers) -> float | None:
        if not len(numbers):
            return None
        ordered = np.sort(numbers.astype(np.float64))
        position = probability * (len(numbers) - 1)
        rank = math.floor(position)
        least, share = float(ordered[rank]), position - rank
        if share == 0 or float(ordered[rank + 1]) == least:
            return least
        return least + share * (float(ordered[rank + 1]) - least)

    return value


def sum_of(numbers: Numbers) -> float | int | None:
    """The sum; of integers modulo 2**64, as in Polars."""
    if not len(numbers):
        return None
    return int(numbers.sum()) if numbers.dtype.kind == "i" else float_sum(numbers)


def mean_of(numbers: Numbers) -> float | None:
    """The mean, right even where the sum of integers passes 2**63."""
    if not len(numbers):
        return None
    if numbers.dtype.kind == "f":
        return float_sum(numbers) / len(numbers)
    if len(numbers) > _FEW and max(-int(numbers.min()), int(numbers.max())) * len(numbers) < 2**63:
        return int(numbers.sum()) / len(numbers)
    whole: int = sum(numbers.tolist())
    return whole / len(numbers)


def variance_of(numbers: Numbers) -> float | None:
    """The sample variance (ddof 1); infinite where it passes the largest double."""
    if len(numbers) < 2:
        return None
    if numbers.dtype.kind == "i" and int(numbers.max()) - int(numbers.min()) >= 2**63:
        numbers = numbers.astype(np.float64)  # differences would not fit
    with np.errstate(over="ignore", invalid="ignore"):
        shifted = numbers - numbers[0]
        apart = shifted - shifted.mean()
        variance = float(np.dot(apart, apart)) / (len(numbers) - 1)
    return math.inf if math.isnan(variance) and np.isfinite(numbers).all() else variance


def deviation_of(numbers: Numbers) -> float | None:
    """The square root of the variance."""
    variance = variance_of(numbers)
    return None if variance is None else math.sqrt(variance)


def least_of(numbers: Numbers) -> float | int | None:
    """The least, NaN only where all are."""
    return np.fmin.reduce(numbers).item() if len(numbers) else None


def greatest_of(numbers: Numbers) -> float | int | None:
    """The greatest, NaN only where all are."""
    return np.fmax.reduce(numbers).item() if len(numbers) else None


def distinct_of(numbers: Numbers) -> int:
    """How many different ones there are; all NaN are one, as are zeros."""
    return len(np.unique(numbers)) if numbers.dtype.kind == "f" else len(set(numbers.tolist()))


def float_sum(numbers: NDArray[np.float64]) -> float:
    """The sum of a slice that is not empty, right to the last digits."""
    return exact_sum(numbers.tolist())


def exact_sum(numbers: list[float]) -> float:
    """The sum of doubles, rounded once; infinite where it passes the largest double, and not where a part of it does."""
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # fsum refuses what passes the largest double on the way, and infinities of both signs
        endless = [number for number in numbers if not math.isfinite(number)]
    if endless:
        return math.nan if math.inf in endless and -math.inf in endless else sum(endless)
    small = math.fsum(math.ldexp(number, -_DOWN) for number in numbers)
    try:
        return math.ldexp(small, _DOWN)
    except OverflowError:
        return math.copysign(math.inf, small)


_VALUES: dict[str, SliceValue] = {
    "sum": sum_of, "mean": mean_of, "var": variance_of, "std": deviation_of, "min": least_of, "max": greatest_of, "distinct": distinct_of,
}  # fmt: skip
