"""Numbers in Polars."""

import operator
from collections.abc import Callable

import numpy as np
import polars as pl

from headrace.expressions.polars_backend.columns import POLARS_TYPES, literal, over_distinct
from headrace.expressions.primitives import Typed
from headrace.expressions.python_backend.number_functions import hash_bucket, power
from headrace.expressions.python_backend.rows import constant_value
from headrace.expressions.types import DType

Build = Callable[[Typed, list[pl.Expr]], pl.Expr]
Plain = Callable[..., pl.Expr]
_CASTS = (
    "bool_to_int", "bool_to_float", "bool_to_string", "int_to_bool", "int_to_float", "int_to_string", "float_to_bool", "float_to_int",
    "float_to_string", "string_to_int", "string_to_float",
)  # fmt: skip
_Division = Callable[["np.typing.NDArray[np.float64]", float], "np.typing.NDArray[np.float64]"]


def _exact(division: _Division, native: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Build:
    """Divide exactly by a constant: Polars itself multiplies by its reciprocal, which is not always the quotient."""

    def build(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
        divisor = node.arguments[1]
        if not divisor.constant or node.arguments[0].constant or not isinstance(number := constant_value(divisor), float):
            return native(*arguments)

        def divide(series: pl.Series) -> pl.Series:
            with np.errstate(all="ignore"):
                quotients = pl.Series(series.name, division(series.to_numpy(), number))
            return quotients if not series.null_count() else quotients.set(series.is_null(), None)

        return arguments[0].map_batches(divide, return_dtype=pl.Float64(), is_elementwise=True)

    return build


def _power(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    """Raise to a power as C does; Polars itself multiplies repeatedly for constant whole powers, which rounds differently.

    So does it for columns of one row: just constant powers that are not whole are left to it.
    """
    exponent = constant_value(node.arguments[1]) if node.arguments[1].constant else None
    if isinstance(exponent, float) and not exponent.is_integer():
        return arguments[0] ** arguments[1]

    def raised(pairs: pl.Series) -> pl.Series:
        numbers, exponents = (column.to_list() for column in pairs.struct.unnest().get_columns())
        values = [None if number is None or by is None else power(number, by) for number, by in zip(numbers, exponents, strict=True)]
        return pl.Series(pairs.name, values, dtype=pl.Float64())

    pair = pl.struct(number=arguments[0], exponent=arguments[1])
    return pair.map_batches(raised, return_dtype=pl.Float64(), is_elementwise=True)


def _clip(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    kind = float if node.dtype is DType.FLOAT else int
    low, high = (None if node.options[name] is None else literal(kind(node.options[name]), node.dtype) for name in ("low", "high"))
    return arguments[0].clip(low, high)


def _is_in(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    return arguments[0].is_in(pl.Series(list(node.options["choices"]), dtype=POLARS_TYPES[node.arguments[0].dtype]).implode())


def _hash(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    n, seed = node.options["n"], node.options["seed"]
    return over_distinct(arguments[0], lambda value: hash_bucket(value, n, seed), DType.INT)


def _string_to_bool(text: pl.Expr) -> pl.Expr:
    return pl.when(text == "true").then(True).when(text == "false").then(False).otherwise(None)


def _cast(node: Typed, arguments: list[pl.Expr]) -> pl.Expr:
    return arguments[0].cast(POLARS_TYPES[node.dtype], strict=False)


# Built from the operands alone.
PLAIN_NUMBERS: dict[str, Plain] = {
    "add_int": operator.add, "sub_int": operator.sub, "mul_int": operator.mul, "neg_int": operator.neg, "abs_int": pl.Expr.abs,
    "add_float": operator.add, "sub_float": operator.sub, "mul_float": operator.mul, "neg_float": operator.neg, "abs_float": pl.Expr.abs,
    **{f"{name}{suffix}": getattr(operator, name) for suffix in ("", "_float") for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "floordiv_int": operator.floordiv,
    "mod_int": operator.mod,
    "is_nan": pl.Expr.is_nan, "sqrt": pl.Expr.sqrt, "exp": pl.Expr.exp, "log": pl.Expr.log, "log1p": pl.Expr.log1p, "sin": pl.Expr.sin,
    "cos": pl.Expr.cos, "arcsin": pl.Expr.arcsin, "floor": pl.Expr.floor, "ceil": pl.Expr.ceil,
    "string_to_bool": _string_to_bool,
}  # fmt: skip
# Built from the node and its operands.
NUMBERS: dict[str, Build] = {
    "truediv": _exact(lambda values, divisor: values / divisor, operator.truediv),
    "floordiv_float": _exact(lambda values, divisor: np.floor(values / divisor), operator.floordiv),
    "mod_float": _exact(lambda values, divisor: values - np.floor(values / divisor) * divisor, operator.mod),
    "round": lambda node, arguments: arguments[0].round(node.options["decimals"]),
    "clip": _clip,
    "pow": _power,
    "is_in": _is_in,
    "is_in_float": _is_in,
    "hash_bucket": _hash,
    **dict.fromkeys(_CASTS, _cast),
}
