"""Methods on numbers."""

from typing import TYPE_CHECKING

from headrace.expressions.fluent import Fluent

if TYPE_CHECKING:
    from headrace.expressions.tree import Expr


class NumberMethods(Fluent):
    """Rounding, roots, logarithms, cycles."""

    __slots__ = ()

    def is_nan(self) -> "Expr":
        """True where a float is NaN; null where it is null."""
        return self._call("is_nan")

    def abs(self) -> "Expr":
        """The size of a number or duration. The least 64-bit integer has none, and stays."""
        return self._call("abs")

    def sqrt(self) -> "Expr":
        """The square root; NaN below zero."""
        return self._call("sqrt")

    def exp(self) -> "Expr":
        """e to this power; infinity where it overflows."""
        return self._call("exp")

    def log(self, base: float | None = None) -> "Expr":
        """The logarithm, natural unless a base is given; -infinity at zero, NaN below."""
        return self._call("log", base=None if base is None else float(base))

    def log1p(self) -> "Expr":
        """log(1 + value), exact for small values; -infinity at -1, NaN below."""
        return self._call("log1p")

    def round(self, decimals: int = 0) -> "Expr":
        """The nearest number with so many decimals, a half to the even neighbour (Polars' default)."""
        return self._call("round", decimals=decimals)

    def floor(self) -> "Expr":
        """The greatest whole number not above; keeps the type."""
        return self._call("floor")

    def ceil(self) -> "Expr":
        """The least whole number not below; keeps the type."""
        return self._call("ceil")

    def clip(self, low: float | None = None, high: float | None = None) -> "Expr":
        """The value moved into [low, high]; NaN stays."""
        return self._call("clip", low=low, high=high)

    def sin(self) -> "Expr":
        """The sine of an angle in radians; NaN at infinity."""
        return self._call("sin")

    def cos(self) -> "Expr":
        """The cosine of an angle in radians; NaN at infinity."""
        return self._call("cos")

    def cyclic_sin(self, period: float) -> "Expr":
        """sin(2 pi value / period): with `cyclic_cos` a place on a circle, so that hour 23 is near hour 0."""
        return self._call("cyclic_sin", period=float(period))

    def cyclic_cos(self, period: float) -> "Expr":
        """cos(2 pi value / period)."""
        return self._call("cyclic_cos", period=float(period))
