"""Expressions and aggregates from JSON values. Reading runs no code: a user's function stays a name until one is substituted for it."""

from collections.abc import Mapping
from typing import Any

from headrace.expressions.aggregates import Aggregate
from headrace.expressions.errors import ExpressionError
from headrace.expressions.functions import value_type
from headrace.expressions.json_values import literal_from_json
from headrace.expressions.tree import Call, Column, Expr, Literal, Udf, call
from headrace.expressions.types import DType

_REMEDY = "The expression's JSON is damaged, or of a newer version: build it again with to_json()."


def from_json(written: Any) -> Expr:
    """Read an expression that `to_json` wrote.

    A udf is read as a name without a function: it raises when compiled; `substitute` puts a function in its place.

    Raises:
        ExpressionError: for anything that `to_json` does not write.
    """
    try:
        return _read(written)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ExpressionError(f"{written!r:.200} is not an expression.", remedy=_REMEDY) from error


def aggregate_from_json(written: Any) -> Aggregate:
    """Read an aggregate that its `to_json` wrote.

    Raises:
        ExpressionError: for anything else.
    """
    try:
        argument, parameter = written["argument"], written["parameter"]
        return Aggregate(
            written["kind"], None if argument is None else from_json(argument), None if parameter is None else float(parameter)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ExpressionError(f"{written!r:.200} is not an aggregate.", remedy=_REMEDY) from error


def _read(written: Mapping[str, Any]) -> Expr:
    if "column" in written:
        if not isinstance(written["column"], str):
            raise TypeError("a column's name is a text")
        return Column(written["column"])
    if "literal" in written:
        return Literal(literal_from_json(written["literal"], DType(written["type"])))
    arguments = tuple(_read(argument) for argument in written["arguments"])
    if "udf" in written:
        return Udf(None, str(written["udf"]), value_type(written["returns"]), arguments)
    operation: Call = call(written["call"], *arguments, **written["options"])
    return operation
