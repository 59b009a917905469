"""Typed primitives: what a tree is lowered to, and both back-ends compile."""

from collections.abc import Mapping
from typing import Any

from headrace.expressions.types import DType, Value, dtype_of


class Typed:
    """A primitive on typed operands. Equal parts of one lowering are one object: identity is equality.

    `constant` says that it reads no column and calls no user's function.
    """

    __slots__ = ("arguments", "constant", "dtype", "operation", "options")

    def __init__(self, operation: str, dtype: DType, arguments: tuple["Typed", ...], options: Mapping[str, Any]) -> None:
        self.operation = operation
        self.dtype = dtype
        self.arguments = arguments
        self.options = options
        self.constant: bool = operation not in ("column", "udf") and all(argument.constant for argument in arguments)

    @property
    def is_literal(self) -> bool:
        """Whether it is a plain value."""
        return self.operation == "literal"

    @property
    def value(self) -> Value:
        """The value of a literal."""
        value: Value = self.options["value"]
        return value


class Primitives:
    """Makes primitives; the same parts give the same object."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Typed] = {}

    def make(self, operation: str, dtype: DType, *arguments: Typed, **options: Any) -> Typed:
        """Return a primitive."""
        key = (operation, dtype, *map(id, arguments), *((name, type(value), repr(value)) for name, value in sorted(options.items())))
        if key not in self._made:
            self._made[key] = Typed(operation, dtype, arguments, options)
        return self._made[key]

    def literal(self, value: Value, dtype: DType | None = None) -> Typed:
        """Return a plain value, of its own type; a null may be given one."""
        return self.make("literal", dtype or dtype_of(value), value=value)

    def number(self, operation: str, *operands: "Typed | float") -> Typed:
        """Return a primitive that gives a float; plain numbers become literals."""
        return self.make(operation, DType.FLOAT, *(each if isinstance(each, Typed) else self.literal(each) for each in operands))

    def convert(self, node: Typed, dtype: DType) -> Typed:
        """Return a value as another type, by `cast`'s rules."""
        if node.dtype is dtype:
            return node
        if node.dtype is DType.NULL or (node.is_literal and node.value is None):
            return self.literal(None, dtype)
        if node.is_literal and dtype is DType.FLOAT and isinstance(node.value, int):
            return self.literal(float(node.value))
        return self.make(f"{node.dtype}_to_{dtype}", dtype, node)
