"""Rows in frames of bounded size, in their order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import polars as pl

FRAME_ROWS = 1 << 18
"""A quarter of a million rows: enough that the work on each frame outweighs what it takes to begin one."""


@dataclass(frozen=True)
class Bounds:
    """How much is held in memory at once, and where the rest waits.

    Attributes:
        folder: where rows wait on disk while a lookup is computed; it is there, and each lookup removes what it wrote.
        rows_at_once: how many rows of table and spine together are answered at once when they have been written out.
        frame_rows: how many rows of the spine a frame has.
        few_rows: for a spine of no more rows than this, only the table's rows with one of its keys are kept.
    """

    folder: Path
    rows_at_once: int = 1 << 20
    frame_rows: int = FRAME_ROWS
    few_rows: int = 1 << 16

    @property
    def rows_unparted(self) -> int:
        """A table and a spine that are no more rows together are not written out: they have as many as four buckets side by side."""
        return 2 * self.rows_at_once


def framed(rows: pl.LazyFrame, frame_rows: int) -> Iterator[pl.DataFrame]:
    """Yield the rows in order, `frame_rows` a frame, the last one shorter; one empty frame where there is no row."""
    batches = rows.collect_batches(chunk_size=frame_rows, maintain_order=True, engine="streaming")
    first = next(batches, None)
    yield from reframed(chain([rows.head(0).collect() if first is None else first], batches), frame_rows)


def reframed(frames: Iterable[pl.DataFrame], frame_rows: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of frames in order, `frame_rows` a frame, the last one shorter; one empty frame where there is no row.

    There is a frame at least, and all have the same columns and types.
    """
    waiting: list[pl.DataFrame] = []
    held = total = 0
    for frame in frames:
        waiting.append(frame)
        held += frame.height
        while held >= frame_rows:
            together = pl.concat(waiting)
            yield together[:frame_rows]
            waiting, held, total = [together[frame_rows:]], held - frame_rows, total + frame_rows
    if held or not total:
        yield pl.concat(waiting)


def height(rows: pl.LazyFrame) -> int:
    """Return how many rows there are; of a file that says so itself nothing else is read."""
    return int(rows.select(pl.len()).collect(engine="streaming").item())
