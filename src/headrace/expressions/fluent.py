"""What the method groups of `Expr` stand on: one way to make a node from a name, operands and options."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.expressions.tree import Expr

Option = bool | int | float | str | None


class Fluent:
    """The part of `Expr` that its method groups see."""

    __slots__ = ()

    def _call(self, operation: str, *arguments: object, **options: Option) -> "Expr":
        """Return the node of an operation whose first operand is this expression; plain values become literals."""
        raise NotImplementedError  # `Expr` does, who has these methods
