"""The types of aggregates."""

from collections.abc import Mapping

from headrace.expressions.aggregates import Aggregate
from headrace.expressions.errors import ExpressionTypeError
from headrace.expressions.lowering import infer
from headrace.expressions.tree import Column
from headrace.expressions.types import DType

_NUMBERS = (DType.INT, DType.FLOAT, DType.BOOL)


def infer_aggregate(aggregate: Aggregate, schema: Mapping[str, DType]) -> DType:
    """Return the type of an aggregate's value: int for count, distinct and sums of int or bool; float for mean, var, std, quantile.

    Raises:
        ExpressionTypeError: for a sum, mean, var, std or quantile of something that is no number and no boolean.
        UnknownColumn: for a column that the schema does not have.
    """
    if aggregate.argument is None:
        return DType.INT
    kind = infer(aggregate.argument, schema)
    if aggregate.kind in ("count", "distinct"):
        return DType.INT
    if aggregate.kind in ("min", "max", "first", "last"):
        return kind
    if kind not in _NUMBERS:
        location = next((leaf.location for leaf in aggregate.argument.walk() if isinstance(leaf, Column)), None)
        raise ExpressionTypeError(
            str(aggregate), (kind,), "It takes a number or a boolean: convert with .cast() or .total_seconds().", location=location
        )
    return (DType.FLOAT if kind is DType.FLOAT else DType.INT) if aggregate.kind == "sum" else DType.FLOAT
