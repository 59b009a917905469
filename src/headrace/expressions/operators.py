"""Python's operators on expressions.

Integers are 64 bits and wrap around on overflow, as in Polars. `/` and `**` give floats; `//` and `%` of integers by zero give null, of
floats the IEEE values. Comparison follows Polars: NaN equals NaN and is greater than every number; a null operand gives null. `&` and
`|` are Kleene's: a false (true) side decides even when the other is null.
"""

from typing import TYPE_CHECKING

from headrace.expressions.fluent import Fluent

if TYPE_CHECKING:
    from headrace.expressions.tree import Expr


class Operators(Fluent):
    """`+ - * / // % **`, comparison, `& | ~`."""

    __slots__ = ()

    def __add__(self, other: object) -> "Expr":
        return self._call("add", other)

    def __radd__(self, other: object) -> "Expr":
        return self._reversed("add", other)

    def __sub__(self, other: object) -> "Expr":
        return self._call("sub", other)

    def __rsub__(self, other: object) -> "Expr":
        return self._reversed("sub", other)

    def __mul__(self, other: object) -> "Expr":
        return self._call("mul", other)

    def __rmul__(self, other: object) -> "Expr":
        return self._reversed("mul", other)

    def __truediv__(self, other: object) -> "Expr":
        return self._call("truediv", other)

    def __rtruediv__(self, other: object) -> "Expr":
        return self._reversed("truediv", other)

    def __floordiv__(self, other: object) -> "Expr":
        return self._call("floordiv", other)

    def __rfloordiv__(self, other: object) -> "Expr":
        return self._reversed("floordiv", other)

    def __mod__(self, other: object) -> "Expr":
        return self._call("mod", other)

    def __rmod__(self, other: object) -> "Expr":
        return self._reversed("mod", other)

    def __pow__(self, other: object) -> "Expr":
        return self._call("pow", other)

    def __rpow__(self, other: object) -> "Expr":
        return self._reversed("pow", other)

    def __neg__(self) -> "Expr":
        return self._call("neg")

    def __eq__(self, other: object) -> "Expr":  # type: ignore[override]  # an expression, as in Polars, and no bool
        return self._call("eq", other)

    def __ne__(self, other: object) -> "Expr":  # type: ignore[override]  # an expression, as in Polars, and no bool
        return self._call("ne", other)

    __hash__ = object.__hash__

    def __lt__(self, other: object) -> "Expr":
        return self._call("lt", other)

    def __le__(self, other: object) -> "Expr":
        return self._call("le", other)

    def __gt__(self, other: object) -> "Expr":
        return self._call("gt", other)

    def __ge__(self, other: object) -> "Expr":
        return self._call("ge", other)

    def __and__(self, other: object) -> "Expr":
        return self._call("and", other)

    def __rand__(self, other: object) -> "Expr":
        return self._reversed("and", other)

    def __or__(self, other: object) -> "Expr":
        return self._call("or", other)

    def __ror__(self, other: object) -> "Expr":
        return self._reversed("or", other)

    def __invert__(self) -> "Expr":
        return self._call("not")

    def _reversed(self, operation: str, other: object) -> "Expr":
        raise NotImplementedError  # `Expr` does, who has these methods
