"""Reading one lookup's value for one key from a state: by bisection, then over the slice.

Sums are exact to the last digit (`math.fsum`, after J. R. Shewchuk 1997); long slices take whole blocks of rows from sums made
beforehand, kept as pairs of doubles. Variances shift by the first value, then take two passes: no difference of squares.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.expressions import DType
from headrace.features.lookups import PlannedLookup
from headrace.features.segments import block_sums
from headrace.features.wavelet import previous_places

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
Slice = Callable[[int, int], object]
Reader = Callable[[int, int], object]
_BLOCK = 64


def reader(lookup: PlannedLookup, table: Any, group_count: int) -> Reader:
    """Return a function of a group (-1: no such key) and a moment (microseconds) that gives the lookup's value."""
    edges = np.searchsorted(table["group"].to_numpy(), np.arange(group_count + 1)).tolist()
    # The last place, which is that of -1, has no rows.
    starts, ends = [*edges[:-1], 0], [*edges[1:], 0]
    value = _aggregate(lookup, table)
    return _latest(lookup, table, starts, ends, value) if lookup.over_us is None else _window(lookup, table, starts, ends, value)


def _latest(lookup: PlannedLookup, table: Any, starts: list[int], ends: list[int], value: Slice) -> Reader:
    """A state keeps one row a group: its value is made once."""
    values = [value(low, high) for low, high in zip(starts, ends, strict=True)]
    max_age_us = lookup.max_age_us
    if max_age_us is None:
        return lambda group, _as_of: values[group]
    moments = table["time"].to_numpy().tolist()
    times = [moments[low] if low < high else 0 for low, high in zip(starts, ends, strict=True)]
    return lambda group, as_of: values[group] if as_of - times[group] <= max_age_us else None


def _window(lookup: PlannedLookup, table: Any, starts: list[int], ends: list[int], value: Slice) -> Reader:
    known = memoryview(table["known"].to_numpy())
    hop_us, over_us = lookup.hop_us, lookup.over_us
    assert over_us is not None

    def read(group: int, as_of: int) -> object:
        left, end = as_of - over_us, ends[group]
        if hop_us is not None:
            left = left // hop_us * hop_us
        # No row of a state became known as late as any question that it answers: a slice always ends with its group.
        return value(bisect_left(known, left, starts[group], end), end)

    return read


def _aggregate(lookup: PlannedLookup, table: Any) -> Slice:
    kind = lookup.aggregate_kind
    if kind == "count":
        return lambda low, high: high - low
    column = table["value"].combine_chunks()
    if kind == "distinct":
        previous = previous_places(column.to_numpy())
        return lambda low, high: int(np.count_nonzero(previous[low:high] <= low))
    numbers, missing, back = _numbers(column, lookup.dtype)
    if kind in ("first", "last"):
        return _pick(kind, memoryview(numbers), missing, back)  # type: ignore[arg-type]  # an array of Any is no Buffer to mypy
    if kind in ("min", "max"):
        choose = np.fmin if kind == "min" else np.fmax
        return lambda low, high: back(choose.reduce(numbers[low:high]).item()) if low < high else None
    if kind in ("sum", "mean") and numbers.dtype.kind == "i":
        return _integers(kind, numbers)
    if kind in ("sum", "mean"):
        return _floats(kind, numbers)
    if kind == "quantile":
        return _quantile(numbers.astype(np.float64), lookup.probability or 0.0)
    return _spread(kind, numbers)


def _numbers(column: Any, dtype: DType) -> tuple[NDArray[Any], NDArray[np.bool_] | None, Callable[[Any], object]]:
    """A column as int64 or float64, where it is null, and the way back from a number to a value of the given type."""
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    texts = None
    if dtype == DType.STRING:
        texts = column.dictionary.to_pylist()
        column = column.indices
    numbers = column.cast("float64" if column.type == "double" else "int64").fill_null(0).to_numpy(zero_copy_only=False)
    backs: dict[DType, Callable[[Any], object]] = {
        DType.BOOL: bool, DType.INT: int, DType.FLOAT: float, DType.DATETIME: lambda number: EPOCH + number * MICROSECOND,
        DType.DURATION: lambda number: number * MICROSECOND, DType.STRING: lambda number: texts[number] if texts else None,
    }  # fmt: skip
    return numbers, missing, backs.get(dtype, float)


def _pick(kind: str, numbers: memoryview, missing: NDArray[np.bool_] | None, back: Callable[[Any], object]) -> Slice:
    def pick(low: int, high: int) -> object:
        place = low if kind == "first" else high - 1
        return None if low >= high or (missing is not None and missing[place]) else back(numbers[place])

    return pick


def _integers(kind: str, numbers: NDArray[np.int64]) -> Slice:
    largest = max(abs(int(numbers.min())), abs(int(numbers.max()))) if len(numbers) else 0
    if largest * len(numbers) < 2**63:
        return _bounded_integers(kind, numbers)
    if kind == "sum":
        return lambda low, high: int(numbers[low:high].sum()) if low < high else None
    return lambda low, high: sum(numbers[low:high].tolist()) / (high - low) if low < high else None


def _bounded_integers(kind: str, numbers: NDArray[np.int64]) -> Slice:
    """Where no sum can leave 64 bits, differences of running sums are exact."""
    before = memoryview(np.concatenate([np.zeros(1, np.int64), np.cumsum(numbers, dtype=np.int64)]))  # type: ignore[arg-type]  # as above
    if kind == "sum":
        return lambda low, high: before[high] - before[low] if low < high else None
    return lambda low, high: (before[high] - before[low]) / (high - low) if low < high else None


def _floats(kind: str, numbers: NDArray[np.float64]) -> Slice:
    whole, rest = block_sums(numbers, _BLOCK)

    def total(low: int, high: int) -> float:
        first, last = -(-low // _BLOCK), high // _BLOCK
        if last - first < 2:
            return _sum(numbers[low:high].tolist())
        parts = [numbers[low : first * _BLOCK], whole[first:last], rest[first:last], numbers[last * _BLOCK : high]]
        return _sum([each for part in parts for each in part.tolist()])

    if kind == "sum":
        return lambda low, high: total(low, high) if low < high else None
    return lambda low, high: total(low, high) / (high - low) if low < high else None


def _sum(numbers: list[float]) -> float:
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # fsum refuses a sum past the largest double, and infinities of both signs
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.sum(numbers))


def _quantile(numbers: NDArray[np.float64], probability: float) -> Slice:
    def quantile(low: int, high: int) -> object:
        if low >= high:
            return None
        ordered = np.sort(numbers[low:high])
        position = probability * (high - low - 1)
        rank = math.floor(position)
        least, share = ordered[rank].item(), position - rank
        if share == 0 or ordered[rank + 1].item() == least:
            return least
        return least + share * (ordered[rank + 1].item() - least)

    return quantile


def _spread(kind: str, numbers: NDArray[Any]) -> Slice:
    if len(numbers) and numbers.dtype.kind == "i" and int(numbers.max()) - int(numbers.min()) >= 2**63:
        numbers = numbers.astype(np.float64)  # differences would not fit

    def spread(low: int, high: int) -> object:
        if high - low < 2:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            shifted = numbers[low:high] - numbers[low]
            apart = shifted - shifted.mean()
            variance = float(np.dot(apart, apart)) / (high - low - 1)
        return math.sqrt(variance) if kind == "std" else variance

    return spread
