"""Where rows wait until all of them are judged: in memory while they are few, in Parquet beside the lake when they are many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

_PART_BYTES = 32 << 20


@dataclass(frozen=True)
class Staged:
    """Rows in their order: first those of the files, then those in memory. To be used while the folder is there that they lie in."""

    schema: pl.Schema
    height: int
    parts: tuple[Path, ...]
    kept: tuple[pl.DataFrame, ...]

    def frames(self, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Give the rows, or these columns of them, in frames of bounded size; one without rows if there are none."""
        if not self.height:
            yield pl.DataFrame(schema=self.schema if columns is None else {name: self.schema[name] for name in columns})
        for part in self.parts:
            yield pl.read_parquet(part, columns=None if columns is None else list(columns))
        for frame in self.kept:
            yield frame if columns is None else frame.select(columns)

    def lazy(self) -> pl.LazyFrame:
        """Return the rows to be read lazily."""
        files = [pl.scan_parquet(list(self.parts))] if self.parts else []
        return pl.concat([*files, *(frame.lazy() for frame in self.kept)]) if files or self.kept else pl.LazyFrame(schema=self.schema)

    def collect(self) -> pl.DataFrame:
        """Return all rows, which must fit into memory."""
        return self.lazy().collect()


class Stage:
    """Takes frames of one schema in their order."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._schema = pl.Schema()
        self._height = 0
        self._waiting: list[pl.DataFrame] = []
        self._bytes = 0
        self._parts: list[Path] = []

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        self._schema = frame.schema
        if frame.is_empty():
            return
        self._height += frame.height
        self._waiting.append(frame)
        self._bytes += int(frame.estimated_size())
        if self._bytes > _PART_BYTES:
            self._flush()

    def close(self) -> Staged:
        """Return what was written."""
        return Staged(self._schema, self._height, tuple(self._parts), tuple(self._waiting))

    def _flush(self) -> None:
        part = self._folder / f"{self._name}-{len(self._parts):05d}.parquet"
        pl.concat(self._waiting).write_parquet(part, compression="lz4", statistics=False)
        self._parts.append(part)
        self._waiting, self._bytes = [], 0
