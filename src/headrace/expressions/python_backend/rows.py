"""Expressions to one Python function of one row."""

import functools
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from headrace.expressions.lowering import Lowering
from headrace.expressions.primitives import Typed
from headrace.expressions.python_backend.emitter import Emitter
from headrace.expressions.tree import Expr
from headrace.expressions.types import DType, Value


class RowFunction:
    """A compiled function of one row. Thread safe; it keeps nothing between calls.

    Attributes:
        source: the generated Python.
        dtypes: the types of the values.
    """

    __slots__ = ("_function", "dtypes", "source")

    def __init__(self, function: Callable[[Mapping[str, object]], dict[str, Value]], source: str, dtypes: Mapping[str, DType]) -> None:
        self._function = function
        self.source = source
        self.dtypes = dtypes

    def __call__(self, row: Mapping[str, object]) -> dict[str, Value]:
        """Return the values by name, in the order of the expressions. The row has every column that they read, None for null.

        Raises:
            KeyError: for a column that the row lacks.
            UdfError: if a user's function returns a value that it did not promise. What the function itself raises comes through.
        """
        return self._function(row)


def compile_row(exprs: Mapping[str, Expr], schema: Mapping[str, DType]) -> RowFunction:
    """Compile named expressions into one function of one row; what they share is computed once.

    Values have exactly the schema's types: bool, int (64 bits), float, str, aware UTC datetime, timedelta, or None. The function gives what
    Polars gives for the same expressions, edge values included.

    Raises:
        ExpressionTypeError, UnknownColumn: as `infer` does.
        UdfError: for a user's function that is known by name only.
    """
    lowering = Lowering(schema)
    return _compile({name: lowering.lower(expr) for name, expr in exprs.items()}, constant_value)


def constant_value(node: Typed) -> Value:
    """Return the value of a typed expression that reads no column."""
    return node.value if node.is_literal else _compile({"value": node}, None)({})["value"]


def _compile(nodes: Mapping[str, Typed], fold: Callable[[Typed], Value] | None) -> RowFunction:
    emitter = Emitter(nodes.values(), fold)
    results = [f"{name!r}: {emitter.emit(node).guarded}" for name, node in nodes.items()]
    source = "\n    ".join(["def compute(row):", *emitter.lines, f"return {{{', '.join(results)}}}"]) + "\n"
    exec(_bytecode(source), emitter.scope)  # noqa: S102 - written above from typed primitives; names and texts enter by repr only
    function: Any = emitter.scope["compute"]
    return RowFunction(function, source, {name: node.dtype for name, node in nodes.items()})


@functools.lru_cache(maxsize=512)
def _bytecode(source: str) -> CodeType:
    return compile(source, "<headrace row function>", "exec")
