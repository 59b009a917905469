"""Two executions' features compared, value by value.

Equal exactly; floats within 1e-9 of the greater, relatively, if the feature's value can come from a sum, mean, variance, deviation or
quantile of a window: additions in another order round differently. All NaN are equal.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from headrace.features.plan import FeaturePlan

TOLERANCE = 1e-9
_ROUNDED = ("sum", "mean", "var", "std", "quantile")
_EXAMPLES = 5


class Mismatch(msgspec.Struct, frozen=True):
    """One row for which a feature has two values."""

    row: int
    question: dict[str, Any]
    expected: Any
    found: Any


class FeatureParity(msgspec.Struct, frozen=True):
    """How a feature's values compare.

    Attributes:
        rows: how many were compared.
        nulls: for how many of them null is expected.
        mismatches: how many were not the same.
        worst: the greatest relative difference of two finite numbers.
        examples: some mismatches, in the order of the rows.
    """

    feature: str
    rows: int
    mismatches: int
    worst: float
    examples: tuple[Mismatch, ...] = ()
    nulls: int = 0


def compare(plan: FeaturePlan, questions: pl.DataFrame, expected: pl.DataFrame, found: pl.DataFrame) -> tuple[FeatureParity, ...]:
    """Compare the features of the same questions, row by row, in the plan's order; `questions` are shown with the examples."""
    rounded = rounded_features(plan)
    return tuple(_compared(name, questions, expected[name], found[name], rounded[name]) for name in plan.values)


def differing(plan: FeaturePlan, expected: pl.DataFrame, found: pl.DataFrame) -> dict[str, pl.Series]:
    """Return, for each feature, of which rows the values are not the same."""
    rounded = rounded_features(plan)
    return {name: ~_same(expected[name], found[name], rounded[name])[0] for name in plan.values}


def merged(before: Sequence[FeatureParity], more: Sequence[FeatureParity]) -> tuple[FeatureParity, ...]:
    """Return how all questions compare, of which some were compared before (none: an empty sequence) and `more` follow them."""
    if not before:
        return tuple(more)
    return tuple(_merged(one, other) for one, other in zip(before, more, strict=True))


def rounded_features(plan: FeaturePlan) -> Mapping[str, bool]:
    """Tell of each feature whether its value can depend on the order of additions."""
    slots = {lookup.slot for lookup in plan.lookups if lookup.aggregate_kind in _ROUNDED}
    return {name: bool(slots & value.columns()) for name, value in plan.expressions().items()}


def _merged(one: FeatureParity, other: FeatureParity) -> FeatureParity:
    following = [msgspec.structs.replace(each, row=one.rows + each.row) for each in other.examples]
    return FeatureParity(
        one.feature, one.rows + other.rows, one.mismatches + other.mismatches, max(one.worst, other.worst),
        (*one.examples, *following)[:_EXAMPLES], one.nulls + other.nulls,
    )  # fmt: skip


def _compared(name: str, questions: pl.DataFrame, expected: pl.Series, found: pl.Series, rounded: bool) -> FeatureParity:
    same, worst = _same(expected, found, rounded)
    places = (~same).arg_true()
    few = places[:_EXAMPLES].to_list()
    examples = tuple(Mismatch(row, questions.row(row, named=True), expected[row], found[row]) for row in few)
    return FeatureParity(name, len(expected), len(places), worst, examples, expected.null_count())


def _same(expected: pl.Series, found: pl.Series, rounded: bool) -> tuple[pl.Series, float]:
    """Tell which values are the same, and the greatest relative difference of two finite numbers."""
    same = expected.eq_missing(found)
    if not expected.dtype.is_numeric():
        return same, 0.0
    differences = _differences(expected.cast(pl.Float64), found.cast(pl.Float64))
    worst = float(differences.max() or 0.0)  # type: ignore[arg-type]  # a float
    if expected.dtype != pl.Float64:
        return same, worst
    return same | (differences <= (TOLERANCE if rounded else 0.0)).fill_null(value=False), worst


def _differences(expected: pl.Series, found: pl.Series) -> pl.Series:
    """The relative differences of finite numbers, null for others."""
    values = pl.DataFrame({"one": expected, "other": found})
    one, other = pl.col("one"), pl.col("other")
    greater = pl.max_horizontal(one.abs(), other.abs())
    difference = pl.when(one == other).then(0.0).otherwise((one - other).abs() / greater)
    return values.select(pl.when(one.is_finite() & other.is_finite()).then(difference)).to_series()
