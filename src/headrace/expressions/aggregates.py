"""Aggregates: what a window computes over its rows. Not expressions: they have no value for one row."""

from typing import TYPE_CHECKING, Any

import msgspec

from headrace.expressions.errors import ExpressionError

if TYPE_CHECKING:
    from headrace.expressions.tree import Expr

KINDS = ("count", "sum", "mean", "var", "std", "min", "max", "first", "last", "distinct", "quantile")


class Aggregate(msgspec.Struct, frozen=True):
    """An aggregate of an expression over rows, nulls ignored; `count` without an argument counts rows.

    `parameter` is the probability of a quantile. `var` and `std` have ddof 1; `distinct` counts distinct values exactly.
    """

    kind: str
    argument: "Expr | None" = None
    parameter: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ExpressionError(f"there is no aggregate {self.kind!r}.", remedy=f"Valid: {', '.join(KINDS)}.")
        if self.argument is None and self.kind != "count":
            raise ExpressionError(f"the aggregate {self.kind} needs an expression.", remedy=f"Write col('x').{self.kind}().")
        if self.kind == "quantile" and not (isinstance(self.parameter, float) and 0 <= self.parameter <= 1):
            raise ExpressionError(f"the probability of quantile() cannot be {self.parameter!r}.", remedy="Expected a number from 0 to 1.")

    def columns(self) -> frozenset[str]:
        """The names of the columns that it reads."""
        return frozenset() if self.argument is None else self.argument.columns()

    def to_json(self) -> dict[str, Any]:
        """The aggregate as JSON values; `aggregate_from_json` reads them."""
        return {"kind": self.kind, "argument": None if self.argument is None else self.argument.to_json(), "parameter": self.parameter}

    def __str__(self) -> str:
        inside = "" if self.parameter is None else repr(self.parameter)
        return f"{self.kind}()" if self.argument is None else f"{self.argument}.{self.kind}({inside})"


class AggregateMethods:
    """The aggregates of an expression over a window's rows; nulls are ignored."""

    __slots__ = ()

    def _aggregate(self, kind: str, parameter: float | None = None) -> Aggregate:
        raise NotImplementedError  # `Expr` does, who has these methods

    def count(self) -> Aggregate:
        """How many values are not null."""
        return self._aggregate("count")

    def sum(self) -> Aggregate:
        """The sum of numbers, or of booleans as 1 and 0; null when there is none."""
        return self._aggregate("sum")

    def mean(self) -> Aggregate:
        """The mean of numbers, or of booleans as 1 and 0."""
        return self._aggregate("mean")

    def var(self) -> Aggregate:
        """The sample variance (ddof 1); null for fewer than two values."""
        return self._aggregate("var")

    def std(self) -> Aggregate:
        """The sample standard deviation (ddof 1); null for fewer than two values."""
        return self._aggregate("std")

    def min(self) -> Aggregate:
        """The least value."""
        return self._aggregate("min")

    def max(self) -> Aggregate:
        """The greatest value."""
        return self._aggregate("max")

    def first(self) -> Aggregate:
        """The value that became known first, ties by time, then by arrival."""
        return self._aggregate("first")

    def last(self) -> Aggregate:
        """The value that became known last, ties by time, then by arrival."""
        return self._aggregate("last")

    def distinct(self) -> Aggregate:
        """How many different values there are."""
        return self._aggregate("distinct")

    def quantile(self, probability: float) -> Aggregate:
        """The value below which this share of the values lies, interpolated linearly."""
        return self._aggregate("quantile", float(probability))


def count() -> Aggregate:
    """Count rows."""
    return Aggregate("count")
