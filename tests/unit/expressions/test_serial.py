"""JSON: what is written is read back, and nothing else is read."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from headrace.expressions import Expr, Udf, col, from_json, lit, udf, when
from headrace.expressions.errors import ExpressionError, UdfError
from headrace.expressions.python_backend import compile_row
from headrace.expressions.types import DType


def importable(value):
    return value


class Leaf(Expr, frozen=True, eq=False, kw_only=True):
    """A leaf of another room."""


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -(2**63), 2**63 - 1, 1.5, -0.0, math.inf, -math.inf, "", 'q"\n{0}é', datetime(1, 1, 1, tzinfo=UTC),
        datetime(2013, 5, 6, 7, 8, 9, 10, tzinfo=UTC), timedelta(microseconds=-1), timedelta(microseconds=2**63 - 1),
    ],
)  # fmt: skip
def test_literals_survive(value):
    again = from_json(json.loads(json.dumps(lit(value).to_json(), allow_nan=False)))
    assert type(again.value) is type(value)
    assert repr(again.value) == repr(value)


def test_nan_survives():
    assert math.isnan(from_json(json.loads(json.dumps(lit(math.nan).to_json(), allow_nan=False))).value)


def test_a_tree_survives():
    expr = when(col('a"\n') > 1).then(col("b").round(2)).otherwise(None)
    written = json.dumps(expr.to_json())
    assert json.dumps(from_json(json.loads(written)).to_json()) == written


def test_a_function_is_written_as_its_name_and_read_without_running_anything():
    expr = udf(importable, "int", col("a"))
    again = from_json(expr.to_json())
    assert isinstance(again, Udf)
    assert again.name == f"{__name__}:importable"
    assert again.to_json() == expr.to_json()
    with pytest.raises(UdfError, match="known by name only"):
        compile_row({"a": again}, {"a": DType.INT})
    restored = again.substitute(lambda node: udf(importable, node.returns, *node.arguments) if isinstance(node, Udf) else None)
    assert compile_row({"a": restored}, {"a": DType.INT})({"a": 3}) == {"a": 3}


def test_a_function_that_no_name_leads_to_is_not_written():
    with pytest.raises(UdfError, match="cannot be stored by its name"):
        udf(lambda value: value, "int", col("a")).to_json()


def test_a_foreign_leaf_is_not_written():
    with pytest.raises(ExpressionError, match="has no JSON form"):
        (Leaf() + 1).to_json()


@pytest.mark.parametrize(
    "written",
    [
        None, 3, [], {}, {"column": 3}, {"literal": 1, "type": "string"}, {"literal": True, "type": "int"},
        {"literal": 1, "type": "null"}, {"literal": 1, "type": "x"},
        {"literal": 10**30, "type": "datetime"}, {"call": "exec", "arguments": [], "options": {}},
        {"call": "abs", "arguments": [{"column": "a"}], "options": {"x": 1}},
        {"call": "abs", "arguments": [3], "options": {}}, {"call": "abs", "arguments": [{"column": "a"}]},
        {"call": "add", "arguments": [{"column": "a"}], "options": {}},
        {"call": "hour", "arguments": [{"column": "a"}], "options": {"tz": "'); import os"}}, {"udf": "os:system", "arguments": []},
    ],
)  # fmt: skip
def test_damaged_json_is_refused(written):
    with pytest.raises(ExpressionError):
        from_json(written)
