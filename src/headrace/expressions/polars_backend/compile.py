"""Typed primitives to Polars expressions."""

import operator
from collections.abc import Mapping

import polars as pl

from headrace.expressions.lowering import Lowering
from headrace.expressions.polars_backend.columns import POLARS_TYPES, literal
from headrace.expressions.polars_backend.moments import MOMENTS, PLAIN_MOMENTS
from headrace.expressions.polars_backend.numbers import NUMBERS, PLAIN_NUMBERS, Build, Plain
from headrace.expressions.polars_backend.texts import PLAIN_TEXTS, TEXTS
from headrace.expressions.primitives import Typed
from headrace.expressions.python_backend.rows import constant_value
from headrace.expressions.tree import Expr
from headrace.expressions.types import DType
from headrace.expressions.userfunctions import checked


def to_polars(expr: Expr, schema: Mapping[str, DType]) -> pl.Expr:
    """Return the Polars expression that computes an expression over columns of these types; its dtype is that of `infer`.

    Columns must have exactly the types of the schema, as every table of the lake has. The result is element-wise; name it with `.alias`.
    What reads no column is one value, which Polars broadcasts beside other columns.

    Raises:
        ExpressionTypeError, UnknownColumn: as `infer` does.
        UdfError: for a user's function that is known by name only.
    """
    return Compiler(schema).compile(expr)


class Compiler:
    """Compiles expressions over one schema. What several share is built once, so that Polars sees it as common and computes it once."""

    def __init__(self, schema: Mapping[str, DType]) -> None:
        self._lowering = Lowering(schema)
        self._done: dict[int, pl.Expr] = {}

    def compile(self, expr: Expr) -> pl.Expr:
        """Return what `to_polars` does."""
        return self._build(self._lowering.lower(expr))

    def _build(self, node: Typed) -> pl.Expr:
        if id(node) not in self._done:
            self._done[id(node)] = self._built(node)
        return self._done[id(node)]

    def _built(self, node: Typed) -> pl.Expr:
        if node.constant:
            return literal(constant_value(node), node.dtype)
        if node.operation == "column":
            return pl.col(node.options["name"])
        arguments = [self._build(argument) for argument in node.arguments]
        plain = _PLAIN.get(node.operation)
        return plain(*arguments) if plain is not None else _WITH_NODE[node.operation](node, arguments)


def _udf(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    function = checked(node.options["function"], node.options["name"], node.dtype)
    dtype = POLARS_TYPES[node.dtype]

    def apply(series: pl.Series) -> pl.Series:
        columns = [column.to_list() for column in series.struct.unnest().get_columns()]
        return pl.Series(series.name, [function(*values) for values in zip(*columns, strict=True)], dtype=dtype)

    row = pl.struct(*(argument.alias(f"argument_{number}") for number, argument in enumerate(arguments)))
    return row.map_batches(apply, return_dtype=dtype, is_elementwise=True)


_PLAIN: dict[str, Plain] = {
    **PLAIN_NUMBERS,
    **PLAIN_TEXTS,
    **PLAIN_MOMENTS,
    "and": operator.and_,
    "or": operator.or_,
    "not": operator.invert,
    "is_null": pl.Expr.is_null,
    "is_not_null": pl.Expr.is_not_null,
    "coalesce": pl.coalesce,
    "max_of": pl.max_horizontal,
    "min_of": pl.min_horizontal,
    "max_of_float": pl.max_horizontal,
    "min_of_float": pl.min_horizontal,
    "when": lambda condition, value, other: pl.when(condition).then(value).otherwise(other),
}
_WITH_NODE: dict[str, Build] = {
    **NUMBERS,
    **TEXTS,
    **MOMENTS,
    "udf": _udf,
}
