"""Which row goes to train, validation or test, or to none and why."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.core.units import every
from headrace.spec.metrics import REGRESSION
from headrace.spec.split import ByTime, Random, Split
from headrace.training.errors import EmptyPart

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
TARGET_NULL, TARGET_NOT_FINITE, TIME_NULL = "target_null", "target_not_finite", "time_null"
PURGED, TARGET_NOT_KNOWN, TARGET_KNOWN_BEFORE = "purged", "target_not_known", "target_known_before_the_question"
REASONS = (TARGET_NULL, TARGET_NOT_FINITE, TARGET_KNOWN_BEFORE, TIME_NULL, PURGED, TARGET_NOT_KNOWN)


@dataclass(frozen=True, kw_only=True)
class SplitRows:
    """What a split looks at, one entry a spine row in any order.

    `time` is when the question is asked; `target_known` when its answer became known (null: never); `arrival` identifies the row, so
    that a random split does not depend on row order. A split by time needs `time`; a random one needs `arrival`. A row whose answer was
    known before the question takes no part: its features may hold the answer.
    """

    task: str
    target: pl.Series
    time: pl.Series | None = None
    target_known: pl.Series | None = None
    arrival: pl.Series | None = None


@dataclass(frozen=True)
class Parts:
    """A part or a reason for each row. `boundaries` are the first moments of validation and test, where the split is by time."""

    part: pl.Series
    boundaries: dict[str, datetime] = field(default_factory=dict)

    def rows(self, name: str) -> NDArray[np.int64]:
        """Return the positions (m,) of a part's rows, ascending."""
        return np.flatnonzero((self.part == name).to_numpy())

    def counts(self) -> dict[str, int]:
        """Return how many rows each part has."""
        return {name: int((self.part == name).sum()) for name in PARTS}

    def left_out(self) -> dict[str, int]:
        """Return how many rows were left out, by reason; with `counts` they add up to all rows."""
        counted = {reason: int((self.part == reason).sum()) for reason in REASONS}
        return {reason: count for reason, count in counted.items() if count}


def split_rows(split: Split, rows: SplitRows, seed: int) -> Parts:
    """Return the part of each row.

    By time: test is the newest `split.test` of the labelled rows, validation the time before it. The earlier part loses the rows within
    `purge` before a boundary, and those whose target was not known before it. At random: by a hash of seed and arrival, in each class
    the same shares.

    Raises:
        EmptyPart: if there is no row or no target, or a part has no rows or too few classes to learn or judge by.
    """
    _check_answers(rows.target)
    part = pl.select(pl.repeat(TRAIN, len(rows.target), dtype=pl.String).alias("part")).to_series()
    part = _mark(part, rows.target.is_null(), TARGET_NULL)
    if rows.target.dtype.is_float():
        part = _mark(part, ~rows.target.is_finite().fill_null(True), TARGET_NOT_FINITE)
    if rows.time is not None and rows.target_known is not None:
        part = _mark(part, rows.target_known < rows.time, TARGET_KNOWN_BEFORE)
    parts = _by_time(split, rows, part) if isinstance(split, ByTime) else _at_random(split, rows, part, seed)
    _check(parts, rows)
    return parts


def _check_answers(target: pl.Series) -> None:
    if target.is_empty():
        remedy = "headrace show TABLE tells how many rows came in, and why those that were set aside were."
        raise EmptyPart("there is nothing to split: the table of the spine has no accepted rows.", remedy=remedy)
    if target.null_count() == len(target):
        remedy = "Check the target against the column's values: headrace show TABLE tells them."
        raise EmptyPart(f"the target is null in {every(len(target), 'row')}.", remedy=remedy)


def _mark(part: pl.Series, where: pl.Series, label: str) -> pl.Series:
    """Give the rows still in train another label."""
    return part.set((part == TRAIN) & where.fill_null(False), label)


def _by_time(split: ByTime, rows: SplitRows, part: pl.Series) -> Parts:
    if rows.time is None:
        raise ValueError("a split by time needs the rows' time")
    part = _mark(part, rows.time.is_null(), TIME_NULL)
    if rows.target_known is not None:
        part = _mark(part, rows.target_known.is_null(), TARGET_NOT_KNOWN)
    newest = rows.time.filter(part == TRAIN).max()
    if not isinstance(newest, datetime):
        raise EmptyPart(
            f"no row has both a time and a target ({_told(Parts(part))}).",
            remedy="Check the target's expression, the table's time= and known=, and as_of=.",
        )
    test_start = newest - split.test
    validation_start = test_start - split.validation
    part = _mark(part, rows.time >= test_start, TEST)
    later = part.set((part == TRAIN) & (rows.time >= validation_start).fill_null(False), VALIDATION)
    for name, boundary in ((VALIDATION, test_start), (TRAIN, validation_start)):
        later = _shorten(later, name, boundary, split.purge, rows)
    return Parts(later, {VALIDATION: validation_start, TEST: test_start})


def _shorten(part: pl.Series, name: str, boundary: datetime, purge: timedelta, rows: SplitRows) -> pl.Series:
    """Leave out of a part what lies too near the boundary after it, or was not known strictly before it."""
    assert rows.time is not None  # narrows the type; the caller has checked
    part = part.set((part == name) & (rows.time >= boundary - purge).fill_null(False), PURGED)
    if rows.target_known is not None:
        part = part.set((part == name) & (rows.target_known >= boundary).fill_null(False), TARGET_NOT_KNOWN)
    return part


def _at_random(split: Split, rows: SplitRows, part: pl.Series, seed: int) -> Parts:
    if not isinstance(split, Random) or rows.arrival is None:
        raise ValueError("a random split needs the rows' arrival")
    stratify = split.stratify and rows.task != REGRESSION
    frame = pl.DataFrame({"part": part, "stratum": rows.target if stratify else part, "hash": _hashes(rows.arrival, seed)})
    labelled = pl.col("part") == TRAIN
    place = pl.col("hash").rank("ordinal").over("part", "stratum") - 1
    count = pl.len().over("part", "stratum")
    test, validation = (count * split.test).round(), (count * (split.test + split.validation)).round()
    chosen = pl.when(place < test).then(pl.lit(TEST)).when(place < validation).then(pl.lit(VALIDATION)).otherwise(pl.lit(TRAIN))
    return Parts(frame.select(pl.when(labelled).then(chosen).otherwise("part").alias("part")).to_series())


def _hashes(arrival: pl.Series, seed: int) -> NDArray[np.uint64]:
    """Return splitmix64 of seed and arrival (Steele, Lea & Flood, 2014): a bijection, so that distinct rows never tie."""
    with np.errstate(over="ignore"):
        mixed = arrival.to_numpy().astype(np.uint64) + np.random.default_rng(seed).integers(0, 2**63, dtype=np.uint64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _check(parts: Parts, rows: SplitRows) -> None:
    counts, told = parts.counts(), _told(parts)
    for name in PARTS:
        if not counts[name]:
            raise EmptyPart(f"the split leaves no rows for {name} ({told}).", remedy="Change validation=, test= or purge= of the split.")
        needed = name == TRAIN or rows.task == "binary"
        values = rows.target.filter(parts.part == name).unique()
        if rows.task != REGRESSION and needed and len(values) < 2:
            only = str(values[0]).lower() if rows.task == "binary" else repr(values[0])
            raise EmptyPart(
                f"the target is {only} in {every(counts[name], f'{name} row')} ({told}).",
                remedy="Check the target against the column's values (headrace show TABLE tells them), or make the part larger.",
            )


def _told(parts: Parts) -> str:
    """Return how the rows were divided, for people."""
    divided = ", ".join(f"{count:,} {name}" for name, count in parts.counts().items())
    left_out = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in parts.left_out().items())
    starts = ", ".join(f"{name} starts {moment:%Y-%m-%d %H:%M} UTC" for name, moment in parts.boundaries.items())
    return "; ".join(part for part in (f"rows: {divided}", f"left out: {left_out}" if left_out else "", starts) if part)
