"""Features of two executions, compared."""

import math

import polars as pl

from headrace.expressions import DType, col
from headrace.features.parity import compare
from headrace.features.plan import FeaturePlan
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Events

TABLE = Events("t", source=File("t.csv"), time="at")
TYPES = {"key": DType.STRING, "at": DType.DATETIME, "x": DType.FLOAT, "n": DType.INT}
VALUES = {
    "mean": window(TABLE, col("x").mean(), by="key", over="1h") * 2.0,
    "latest": latest(TABLE, "x", by="key"),
    "count": window(TABLE, col("n").count(), by="key", over="1h"),
    "text": col("key"),
}
PLAN = FeaturePlan.build(
    Features(spine=Events("q", source=File("q.csv"), time="at"), given=["key", "at"], as_of="at", values=VALUES),
    {"key": DType.STRING, "at": DType.DATETIME},
    {"t": TYPES},
)
QUESTIONS = pl.DataFrame({"key": ["a", "b", "c", "d"]})
FEATURES = pl.DataFrame(
    {"mean": [1.0, math.nan, None, math.inf], "latest": [1.0, -0.0, math.nan, None], "count": [1, 2, 3, 4], "text": ["a", "b", "c", None]}
)


def compared(**changed):
    found = FEATURES.with_columns(pl.Series(name, values, dtype=FEATURES.schema[name]) for name, values in changed.items())
    return {each.feature: each for each in compare(PLAN, QUESTIONS, FEATURES, found)}


def test_the_same_is_the_same():
    assert [(each.rows, each.mismatches, each.worst) for each in compared().values()] == [(4, 0, 0.0)] * 4


def test_sums_may_differ_in_their_last_digits_and_nothing_else_may():
    near = 1.0 + 1e-12
    found = compared(mean=[near, math.nan, None, math.inf], latest=[near, 0.0, math.nan, None])
    assert (found["mean"].mismatches, found["latest"].mismatches) == (0, 1)
    assert 0 < found["mean"].worst < 1e-11
    assert compared(mean=[1.0 + 1e-8, math.nan, None, math.inf])["mean"].mismatches == 1


def test_null_nan_and_infinity_are_values_of_their_own():
    found = compared(mean=[None, 1.0, math.nan, -math.inf], count=[1, 2, None, 5], text=["a", None, "c", ""])
    assert [each.mismatches for each in found.values()] == [4, 0, 2, 2]


def test_a_mismatch_is_shown_with_its_question():
    example = compared(count=[1, 2, 3, 5])["count"].examples[0]
    assert (example.row, example.question, example.expected, example.found) == (3, {"key": "d"}, 4, 5)


def test_nothing_is_compared_with_nothing():
    assert [each.rows for each in compare(PLAN, QUESTIONS[:0], FEATURES[:0], FEATURES[:0])] == [0] * 4
