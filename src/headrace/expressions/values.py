"""Methods on any value: nulls, membership, casts, hash buckets; and the aggregates."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from headrace.expressions.fluent import Fluent
from headrace.expressions.types import DType

if TYPE_CHECKING:
    from headrace.expressions.tree import Expr


class ValueMethods(Fluent):
    """Nulls, membership, casts, hash buckets."""

    __slots__ = ()

    def is_null(self) -> "Expr":
        """True where the value is null; never null itself."""
        return self._call("is_null")

    def is_not_null(self) -> "Expr":
        """True where the value is not null; never null itself."""
        return self._call("is_not_null")

    def fill_null(self, value: object) -> "Expr":
        """The value, or another one where it is null."""
        return self._call("coalesce", value)

    def is_in(self, choices: Iterable[object]) -> "Expr":
        """True where the value is one of the plain values listed; null where it is null. NaN finds NaN; a null choice finds nothing."""
        return self._call("is_in", *choices)

    def is_between(self, low: object, high: object) -> "Expr":
        """True where low <= value <= high."""
        return self._call("is_between", low, high)

    def cast(self, dtype: DType | str) -> "Expr":
        """Convert to `bool`, `int`, `float` or `string`; null where that cannot be.

        A float loses its fraction on the way to int, and is null if it is not finite or outside 64 bits. Text must be a whole plain number
        (an optional sign and digits; for floats also a point, an exponent, `inf`, `nan`), or `true` / `false`; no spaces.
        Booleans become 1 and 0, or `true` and `false`. Moments: see `parse_datetime` and `truncate`; durations: `total_seconds`.
        """
        return self._call("cast", dtype=str(dtype))

    def hash_bucket(self, n: int, seed: int = 0) -> "Expr":
        """A bucket from 0 to n-1 for a text, whole number or boolean.

        The first eight bytes (little endian) of BLAKE2b over the value's text, keyed by the seed, modulo n: the same on every machine.
        """
        return self._call("hash_bucket", n=n, seed=seed)
