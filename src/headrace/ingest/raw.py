"""A source's rows as they are written there, in frames of bounded size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from headrace.expressions import DType


@dataclass(frozen=True)
class RawTable:
    """Rows before their types are known.

    Attributes:
        names: the columns, in order.
        textual: the types that texts of this source may turn out to be (a CSV knows only texts; JSON only lacks datetimes).
        chunks: opens the source afresh and gives its rows in their order, in frames of bounded size that have all columns. A column may
            have another Polars type in another chunk; each is one that `column_types.dtype_of` knows, or Null.
    """

    names: tuple[str, ...]
    textual: frozenset[DType]
    chunks: Callable[[], Iterator[pl.DataFrame]]

    def columns(self) -> list[pl.Series]:
        """Return all rows at once, column by column: for rows that are known to fit into memory."""
        frames = list(self.chunks())
        return pl.concat(frames, how="vertical_relaxed").get_columns() if frames else [pl.Series(name, [], pl.Null) for name in self.names]
