"""The expression language: a small typed tree, compiled to Polars for columns and to Python for one row. Importing it imports no engine."""

from headrace.expressions.aggregate_types import infer_aggregate
from headrace.expressions.aggregates import Aggregate, count
from headrace.expressions.functions import (
    coalesce,
    concat,
    datetime_of,
    days_of,
    haversine_km,
    hours_of,
    max_of,
    min_of,
    minutes_of,
    seconds_of,
    udf,
    when,
)
from headrace.expressions.lowering import infer
from headrace.expressions.serial import aggregate_from_json, from_json
from headrace.expressions.tree import Call, Column, Expr, Literal, Udf, col, lit
from headrace.expressions.types import DType, Value

__all__ = [
    "Aggregate", "Call", "Column", "DType", "Expr", "Literal", "Udf", "Value", "aggregate_from_json", "coalesce", "col", "concat", "count",
    "datetime_of", "days_of", "from_json", "haversine_km", "hours_of", "infer", "infer_aggregate", "lit", "max_of", "min_of", "minutes_of",
    "seconds_of", "udf", "when",
]  # fmt: skip
