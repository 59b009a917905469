"""A source's rows as they are written there, in frames of bounded size."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from headrace.expressions import DType

_KEPT_BYTES = 128 << 20


@dataclass(frozen=True)
class RawTable:
    """Rows before their types are known.

    Attributes:
        names: the columns, in order.
        textual: the types that texts of this source may turn out to be (a CSV knows only texts; JSON only lacks datetimes).
        chunks: opens the source afresh and gives its rows in their order, in frames of bounded size that have all columns. A column may
            have another Polars type in another chunk; each is one that `column_types.dtype_of` knows, or Null.
        schema: the Polars types, where the source says beforehand what they are in every chunk.
        notes: what people should know of how the rows came together.
    """

    names: tuple[str, ...]
    textual: frozenset[DType]
    chunks: Callable[[], Iterator[pl.DataFrame]]
    schema: pl.Schema | None = None
    notes: tuple[str, ...] = ()

    def columns(self) -> list[pl.Series]:
        """Return all rows at once, column by column: for rows that are known to fit into memory."""
        frames = list(self.chunks())
        return pl.concat(frames, how="vertical_relaxed").get_columns() if frames else [pl.Series(name, [], pl.Null) for name in self.names]


def with_all(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return these columns of a chunk in this order; one that it has not is null."""
    return frame.with_columns(pl.lit(None).alias(name) for name in names if name not in frame.columns).select(names)


class Replay:
    """Chunks that are read more than once: kept in memory while they are small, read again where they are not."""

    def __init__(self, chunks: Callable[[], Iterator[pl.DataFrame]]) -> None:
        self._chunks = chunks
        self._kept: list[pl.DataFrame] | None = None

    def __call__(self) -> Iterator[pl.DataFrame]:
        """Give the chunks from the first on."""
        return self._read() if self._kept is None else iter(self._kept)

    def _read(self) -> Iterator[pl.DataFrame]:
        kept: list[pl.DataFrame] = []
        size, fits = 0, True
        for frame in self._chunks():
            size += int(frame.estimated_size())
            fits = fits and size <= _KEPT_BYTES
            if fits:
                kept.append(frame)
            else:
                kept.clear()
            yield frame
        self._kept = kept if fits else None
