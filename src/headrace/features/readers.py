"""Reading one lookup's value for one key from a state: by bisection, then over the slice.

A state does not change, so that sums can be made beforehand: of integers from the first row on, of floats by whole blocks of rows, kept
as pairs of doubles. All else is in `slice_values`.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.core.moments import MICROSECOND, moment_of
from headrace.expressions import DType
from headrace.features.lookups import PlannedLookup
from headrace.features.segments import block_sums
from headrace.features.slice_values import exact_sum, float_sum, slice_value
from headrace.features.wavelet import previous_places

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
    if kind in ("sum", "mean") and (made := _prepared(kind, numbers)) is not None:
        return made
    value = slice_value(kind, lookup.probability)
    return lambda low, high: None if (found := value(numbers[low:high])) is None else back(found)


def _prepared(kind: str, numbers: NDArray[Any]) -> Slice | None:
    """Sums and means from sums made beforehand; None where those of integers could leave 64 bits."""
    if numbers.dtype.kind == "f":
        return _floats(kind, numbers)
    largest = max(abs(int(numbers.min())), abs(int(numbers.max()))) if len(numbers) else 0
    return _bounded_integers(kind, numbers) if largest * len(numbers) < 2**63 else None


def _numbers(column: Any, dtype: DType) -> tuple[NDArray[Any], NDArray[np.bool_] | None, Callable[[Any], object]]:
    """A column as int64 or float64, where it is null, and the way back from a number to a value of the given type."""
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
    texts = None
    if dtype == DType.STRING:
        texts = column.dictionary.to_pylist()
        column = column.indices
    numbers = column.cast("float64" if column.type == "double" else "int64").fill_null(0).to_numpy(zero_copy_only=False)
    backs: dict[DType, Callable[[Any], object]] = {
        DType.BOOL: bool, DType.INT: int, DType.FLOAT: float, DType.DATETIME: moment_of,
        DType.DURATION: lambda number: number * MICROSECOND, DType.STRING: lambda number: texts[number] if texts else None,
    }  # fmt: skip
    return numbers, missing, backs.get(dtype, float)


def _pick(kind: str, numbers: memoryview, missing: NDArray[np.bool_] | None, back: Callable[[Any], object]) -> Slice:
    def pick(low: int, high: int) -> object:
        place = low if kind == "first" else high - 1
        return None if low >= high or (missing is not None and missing[place]) else back(numbers[place])

    return pick


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
            return float_sum(numbers[low:high])
        parts = [numbers[low : first * _BLOCK], whole[first:last], rest[first:last], numbers[last * _BLOCK : high]]
        found = exact_sum([each for part in parts for each in part.tolist()])
        return found if math.isfinite(found) else float_sum(numbers[low:high])  # a block may pass the largest double, and the whole not

    if kind == "sum":
        return lambda low, high: total(low, high) if low < high else None
    return lambda low, high: total(low, high) / (high - low) if low < high else None
