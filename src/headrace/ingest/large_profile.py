"""The profile of a column that is larger than memory: gone through frame by frame, in their order, so that the same rows give the same."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.expressions import DType
from headrace.ingest.column_types import dtype_of
from headrace.ingest.profile import MEASURED, QUANTILES, TOP, ColumnProfile, TableProfile, ValueCount, numbers_of, plain, profile_table
from headrace.ingest.staging import Staged
from headrace.ingest.tallies import tally

_EXACT_ROWS = 1 << 24


def profile_staged(rows: Staged, columns: Sequence[str], heard: Callable[[], None]) -> TableProfile:
    """Return the profile of staged rows, which have the lake's types; `heard` is called after each column."""
    if not rows.parts:
        return profile_table(rows.lazy().select(columns))
    profiles = []
    for name in columns:
        profiles.append(profile_large(rows, name, dtype_of(name, rows.schema[name])))
        heard()
    return TableProfile(rows.height, tuple(profiles))


def profile_large(rows: Staged, name: str, kind: DType) -> ColumnProfile:
    """Return a column's profile; some 300 MB are in memory at once.

    All is exact but the quantiles of a column of more than sixteen million rows: those are of so many of them, drawn at random with a
    fixed seed. Their ranks are off by at most a thousandth (Dvoretzky, Kiefer, Wolfowitz: more once in 10^14 columns).
    """
    told = kind in (DType.STRING, DType.BOOL)
    counted = tally(lambda: (frame[name] for frame in rows.frames([name])), rows.height, TOP if told else 0)
    seen = _Seen(kind, rows.height)
    for frame in rows.frames([name]):
        seen.see(frame[name])
    return ColumnProfile(
        name=name,
        type=kind,
        nulls=seen.nulls,
        distinct=counted.distinct,
        not_finite=seen.not_finite,
        min=plain(seen.low),
        max=plain(seen.high),
        mean=seen.moments.mean if seen.moments.count else None,
        std=seen.moments.std,
        quantiles=seen.quantiles(),
        top=tuple(ValueCount(value, times) for value, times in counted.top),  # type: ignore[arg-type]  # texts and booleans
    )


@dataclass
class _Moments:
    """Count, mean and sum of squared differences, merged as by Chan, Golub and LeVeque (1979)."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, numbers: NDArray[np.float64]) -> None:
        if not len(numbers):
            return
        mean = float(numbers.mean())
        both, apart = self.count + len(numbers), mean - self.mean
        self.squares += float(((numbers - mean) ** 2).sum()) + apart * apart * self.count * len(numbers) / both
        self.mean += apart * len(numbers) / both
        self.count = both

    @property
    def std(self) -> float | None:
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else None


class _Seen:
    def __init__(self, kind: DType, rows: int) -> None:
        self._kind = kind
        self._share = min(1.0, _EXACT_ROWS / max(rows, 1))
        self._draw = np.random.default_rng(0)
        self._drawn: list[NDArray[np.float64]] = []
        self.nulls = self.not_finite = 0
        self.low: Any = None
        self.high: Any = None
        self.moments = _Moments()

    def see(self, values: pl.Series) -> None:
        self.nulls += values.null_count()
        if self._kind is DType.FLOAT:
            finite = values.is_finite()
            self.not_finite += int((~finite).sum())
            values = values.filter(finite)
        low, high = values.min(), values.max()
        if low is not None and high is not None:
            self.low = low if self.low is None else min(self.low, low)
            self.high = high if self.high is None else max(self.high, high)
        if self._kind in MEASURED:
            numbers = numbers_of(values, self._kind)
            self.moments.add(numbers)
            self._drawn.append(numbers if self._share == 1.0 else numbers[self._draw.random(len(numbers)) < self._share])

    def quantiles(self) -> tuple[float, ...]:
        drawn = np.concatenate(self._drawn) if self._drawn else np.empty(0)
        self._drawn = []
        return tuple(float(each) for each in np.quantile(drawn, QUANTILES, overwrite_input=True)) if len(drawn) else ()
