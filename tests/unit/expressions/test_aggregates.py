"""Aggregates: their form, and their JSON."""

import json

import pytest

from headrace.expressions import aggregate_from_json, col, count
from headrace.expressions.aggregates import Aggregate
from headrace.expressions.errors import ExpressionError


@pytest.mark.parametrize(
    ("aggregate", "text"),
    [(count(), "count()"), ((col("x") > 3).mean(), '(col("x") > 3).mean()'), (col("x").quantile(0.9), 'col("x").quantile(0.9)')],
)
def test_an_aggregate_prints_and_survives_json(aggregate, text):
    assert str(aggregate) == text
    again = aggregate_from_json(json.loads(json.dumps(aggregate.to_json())))
    assert str(again) == text
    assert again.to_json() == aggregate.to_json()


def test_an_aggregate_knows_its_columns():
    assert count().columns() == frozenset()
    assert (col("a") + col("b")).sum().columns() == {"a", "b"}


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Aggregate("median", col("x")), "there is no aggregate 'median'"),
        (lambda: Aggregate("mean"), "needs an expression"),
        (lambda: col("x").quantile(1.5), "from 0 to 1"),
        (lambda: aggregate_from_json({"kind": "mean"}), "not an aggregate"),
        (lambda: aggregate_from_json(None), "not an aggregate"),
    ],
)
def test_a_wrong_aggregate_is_refused(make, problem):
    with pytest.raises(ExpressionError, match=problem):
        make()
