"""Typing: from a tree and a schema to typed primitives, every conversion explicit, equal parts shared.

Both back-ends compile what comes out of here, so that what a type conversion or a compound operation means is decided once.
"""

from collections.abc import Mapping
from typing import Any

from headrace.expressions.errors import ExpressionTypeError, UnknownColumn
from headrace.expressions.expansions import expand
from headrace.expressions.mismatch import mismatch
from headrace.expressions.primitives import Primitives, Typed
from headrace.expressions.signatures import FLAGS_COUNT, SIGNATURES, UNIFIED, Signature
from headrace.expressions.tree import Call, Column, Expr, Literal, Udf
from headrace.expressions.types import DType

_COMPARISONS = frozenset(("eq", "ne", "lt", "le", "gt", "ge"))


def infer(expr: Expr, schema: Mapping[str, DType]) -> DType:
    """Return the type of an expression's value over columns of these types.

    Raises:
        ExpressionTypeError: for operands whose types do not fit: it names the node, the types and the fix.
        UnknownColumn: for a column that the schema does not have: it names the nearest.
    """
    return Lowering(schema).lower(expr).dtype


class Lowering:
    """Turns trees over one schema into typed primitives; what several trees share becomes one object."""

    def __init__(self, schema: Mapping[str, DType]) -> None:
        self._schema = schema
        self._primitives = Primitives()
        self._done: dict[int, tuple[Expr, Typed]] = {}

    def lower(self, node: Expr) -> Typed:
        """Return the typed form of an expression; errors as `infer`'s."""
        if id(node) not in self._done:
            self._done[id(node)] = node, self._lower(node)
        return self._done[id(node)][1]

    def _lower(self, node: Expr) -> Typed:
        if isinstance(node, Column):
            if node.name not in self._schema:
                raise UnknownColumn(node.name, self._schema, location=node.location)
            return self._primitives.make("column", DType(self._schema[node.name]), name=node.name)
        if isinstance(node, Literal):
            return self._primitives.literal(node.value)
        arguments = [self.lower(child) for child in node.children()]
        if isinstance(node, Udf):
            return self._primitives.make("udf", node.returns, *arguments, function=node.function, name=node.name)
        if isinstance(node, Call):
            return self._call(node, arguments)
        raise ExpressionTypeError(str(node), (), "It looks into a table: it has a value only among the features of a project.")

    def _call(self, node: Call, arguments: list[Typed]) -> Typed:
        operation, options = node.operation, dict(node.options)
        if operation in UNIFIED:
            return self._unified(node, self._unify(node, arguments))
        if operation in ("is_null", "is_not_null"):
            return self._primitives.make(operation, DType.BOOL, *arguments)
        if operation == "cast":
            return self._cast(node, arguments[0], DType(str(options["dtype"])))
        if operation == "when":
            return self._when(node, arguments)
        if operation == "concat":
            return self._concat(node, arguments)
        chosen = self._choose(node, arguments, options)
        operands = [self._primitives.convert(argument, dtype) for argument, dtype in zip(arguments, chosen.operands, strict=True)]
        expanded = expand(self._primitives, chosen.primitive, operands, options)
        return expanded or self._primitives.make(chosen.primitive, chosen.result, *operands, **options)

    def _choose(self, node: Call, arguments: list[Typed], options: Mapping[str, Any]) -> Signature:
        flags = node.operation in FLAGS_COUNT
        fractions = node.operation == "clip" and any(isinstance(bound, float) for bound in options.values())
        for signature in SIGNATURES[node.operation]:
            if fractions and signature.result is DType.INT:
                continue
            if all(_passes(argument.dtype, dtype, flags) for argument, dtype in zip(arguments, signature.operands, strict=True)):
                return signature
        accepted = " or ".join("(" + ", ".join(signature.operands) + ")" for signature in SIGNATURES[node.operation])
        raise mismatch(node, arguments, f"It takes {accepted}.")

    def _unify(self, node: Call, arguments: list[Typed]) -> list[Typed]:
        """Return the operands with one type: int passes for float, and null for anything."""
        kinds = {argument.dtype for argument in arguments} - {DType.NULL}
        if len(kinds) > 1 and kinds != {DType.INT, DType.FLOAT}:
            raise mismatch(node, arguments, "All must be of one type.")
        common = DType.FLOAT if len(kinds) > 1 else next(iter(kinds), DType.NULL)
        return [self._primitives.convert(argument, common) for argument in arguments]

    def _unified(self, node: Call, values: list[Typed]) -> Typed:
        operation, kind, make = node.operation, values[0].dtype, self._primitives.make
        suffix = "_float" if kind is DType.FLOAT else ""
        if operation in _COMPARISONS:
            return make(f"{operation}{suffix}", DType.BOOL, *values)
        if operation == "is_between":
            value, low, high = values
            return make("and", DType.BOOL, make(f"ge{suffix}", DType.BOOL, value, low), make(f"le{suffix}", DType.BOOL, value, high))
        if operation == "is_in":
            if not all(isinstance(choice, Literal) for choice in node.arguments[1:]):
                raise mismatch(node, values, "The choices of is_in are plain values; compare with == and | for expressions.")
            choices = tuple(choice.value for choice in values[1:] if choice.value is not None)
            return make(f"is_in{suffix}", DType.BOOL, values[0], choices=choices)
        if len(values) == 1 or kind is DType.NULL:
            return values[0]
        return make(operation if operation == "coalesce" else f"{operation}{suffix}", kind, *values)

    def _cast(self, node: Call, argument: Typed, dtype: DType) -> Typed:
        if argument.dtype is DType.DATETIME:
            raise mismatch(node, [argument], "Take a part such as .year() instead.")
        if argument.dtype is DType.DURATION:
            raise mismatch(node, [argument], "Take .total_seconds(), .total_minutes() or .total_hours() instead.")
        return self._primitives.convert(argument, dtype)

    def _when(self, node: Call, arguments: list[Typed]) -> Typed:
        conditions = arguments[:-1:2]
        if any(condition.dtype not in (DType.BOOL, DType.NULL) for condition in conditions):
            raise mismatch(node, conditions, "Conditions are booleans.")
        values = self._unify(node, [*arguments[1:-1:2], arguments[-1]])
        result = values[-1]
        if result.dtype is DType.NULL:
            return self._primitives.literal(None)
        for condition, value in zip(reversed(conditions), reversed(values[:-1]), strict=True):
            result = self._primitives.make("when", value.dtype, self._primitives.convert(condition, DType.BOOL), value, result)
        return result

    def _concat(self, node: Call, arguments: list[Typed]) -> Typed:
        if any(argument.dtype not in (DType.STRING, DType.NULL) for argument in arguments):
            raise mismatch(node, arguments, "concat joins texts: convert with .cast('string').")
        texts = [self._primitives.convert(argument, DType.STRING) for argument in arguments]
        return texts[0] if len(texts) == 1 else self._primitives.make("concat", DType.STRING, *texts)


def _passes(actual: DType, wanted: DType, flags: bool) -> bool:
    if actual is wanted or actual is DType.NULL:
        return True
    if wanted is DType.FLOAT and actual is DType.INT:
        return True
    return flags and actual is DType.BOOL and wanted in (DType.INT, DType.FLOAT)
