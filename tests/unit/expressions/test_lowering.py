"""Types: what fits, and what is said when it does not."""

from pathlib import Path

import pytest

from headrace.expressions import (
    DType,
    coalesce,
    col,
    concat,
    count,
    datetime_of,
    hours_of,
    infer,
    infer_aggregate,
    lit,
    max_of,
    udf,
    when,
)  # fmt: skip
from headrace.expressions.errors import ExpressionTypeError, UnknownColumn
from headrace.expressions.tree import Expr

SCHEMA = {
    "flag": DType.BOOL, "n": DType.INT, "x": DType.FLOAT, "text": DType.STRING, "at": DType.DATETIME, "span": DType.DURATION,
}  # fmt: skip
flag, n, x, text, at, span = (col(name) for name in SCHEMA)


@pytest.mark.parametrize(
    ("expr", "dtype"),
    [
        (n + n, DType.INT), (n + x, DType.FLOAT), (n / n, DType.FLOAT), (n**2, DType.FLOAT), (flag + flag, DType.INT),
        (flag * x, DType.FLOAT), (n // n, DType.INT),
        (at - at, DType.DURATION), (at - span, DType.DATETIME), (span + at, DType.DATETIME), (span / span, DType.FLOAT),
        (n * span, DType.DURATION),
        (text + "a", DType.STRING), (n == x, DType.BOOL), (lit(None), DType.NULL), (lit(None) + 1, DType.INT),
        (coalesce(None, None), DType.NULL),
        (when(flag).then(1).otherwise(x), DType.FLOAT), (when(None).then(None).otherwise("a"), DType.STRING),
        (max_of(n, 2.5), DType.FLOAT), (n.round(), DType.INT),
        (n.clip(0.5), DType.FLOAT), (n.clip(0), DType.INT), (n.sqrt(), DType.FLOAT), (at.hour(tz="Europe/Paris"), DType.INT),
        (span.total_hours(), DType.FLOAT),
        (datetime_of(n, 1, 1), DType.DATETIME), (hours_of(x), DType.DURATION), (text.len_chars(), DType.INT),
        (x.cast("string"), DType.STRING),
        (udf(len, "int", text), DType.INT), (concat(None, text), DType.STRING), (lit(None).cast("bool"), DType.BOOL),
        (coalesce(n), DType.INT),
    ],
)  # fmt: skip
def test_types_are_inferred(expr, dtype):
    assert infer(expr, SCHEMA) is dtype


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        (text + n, r"\+ in .* does not take \(string, int\).\n.*cast\('float'\)"),
        (at + n, r"hours_of\(\)"),
        (span > n, r"total_seconds\(\)"),
        (flag == n, r"cast\('int'\)"),
        (at > "2013-01-01", r"parse_datetime\(format\)"),
        (n & flag, r"& in .*\(int, bool\)"),
        (x | x, "comparison, such as value > 0"),
        (text.abs(), r"abs in .*\(string\)"),
        (n.lower(), r"takes \(string\)"),
        (at.cast("int"), r"\.year\(\)"),
        (span.cast("float"), r"total_seconds"),
        (when(n).then(1).otherwise(2), "Conditions are booleans"),
        (when(flag).then(1).otherwise("a"), "one type"),
        (concat(text, n), r"cast\('string'\)"),
        (n.is_in([1, col("x")]), "plain values"),
        (text.is_in([1]), "one type"),
        (span * x, "does not take"),
        (flag.sqrt(), "does not take"),
    ],
)
def test_a_type_error_names_the_node_the_types_the_fix_and_the_line(expr, problem):
    with pytest.raises(ExpressionTypeError, match=problem) as caught:
        infer(expr, SCHEMA)
    assert Path(caught.value.location.file).name == "test_lowering.py"


def test_an_unknown_column_suggests_the_nearest():
    with pytest.raises(UnknownColumn, match="Did you mean 'text'") as caught:
        infer(n + col("texte").len_chars(), SCHEMA)
    assert caught.value.location is not None


class Leaf(Expr, frozen=True, eq=False, kw_only=True):
    """A leaf of another room."""


def test_a_foreign_leaf_has_no_type():
    with pytest.raises(ExpressionTypeError, match="looks into a table"):
        infer(Leaf() + 1, SCHEMA)


@pytest.mark.parametrize(
    ("aggregate", "dtype"),
    [
        (count(), DType.INT), (text.count(), DType.INT), (text.distinct(), DType.INT), (n.sum(), DType.INT), (flag.sum(), DType.INT),
        (x.sum(), DType.FLOAT),
        (flag.mean(), DType.FLOAT), (n.var(), DType.FLOAT), (n.std(), DType.FLOAT), (n.quantile(0.5), DType.FLOAT),
        (text.min(), DType.STRING), (at.max(), DType.DATETIME),
        (flag.first(), DType.BOOL), (span.last(), DType.DURATION),
    ],
)  # fmt: skip
def test_types_of_aggregates(aggregate, dtype):
    assert infer_aggregate(aggregate, SCHEMA) is dtype


def test_a_mean_of_texts_is_refused():
    with pytest.raises(ExpressionTypeError, match=r"col\(\"text\"\).mean\(\) does not take \(string\)"):
        infer_aggregate(text.mean(), SCHEMA)
