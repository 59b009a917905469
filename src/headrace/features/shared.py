"""What tasks on several machines share: rows that all of them read, and a place where they leave things for each other."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl

from headrace.lake.frames import bytes_frame
from headrace.lake.lake import Lake
from headrace.lake.reference import LakeReference
from headrace.lake.scratch import Scratch


class Opened(NamedTuple):
    """A lake and the scratch of one piece of work, by whoever works at it."""

    lake: Lake
    scratch: Scratch

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Make a folder for one task and remove it. In the scratch, where that is a folder: it goes with it if the task is killed."""
        parent = self.scratch.folder
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="headrace-", dir=parent) as name:
            yield Path(name)


class Shared(msgspec.Struct, frozen=True):
    """A lake, and the name of a scratch beside it."""

    lake: LakeReference
    name: str

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """Open both; what is raised meanwhile has no secret of the lake in its words."""
        with self.lake.hidden().kept_out_of_errors():
            yield Opened(self.lake.lake(), self.lake.scratch(self.name))


class Rows(msgspec.Struct, frozen=True):
    """Rows in order: a version of a table of the lake, or frames kept in the scratch, `frame_rows` each but for the last."""

    table: str = ""
    version: int = 0
    frames: tuple[str, ...] = ()
    frame_rows: int = 0

    def all(self, opened: Opened) -> pl.LazyFrame:
        """Return every row."""
        if self.table:
            return opened.lake.tables.scan(self.table, self.version)
        return self._kept(opened, self.frames)

    def some(self, opened: Opened, first: int, count: int) -> pl.LazyFrame:
        """Return so many rows, or what is left of them, from one on; of frames that are kept whole ones."""
        if self.table:
            return self.all(opened).slice(first, count)
        return self._kept(opened, self.frames[first // self.frame_rows : -(-(first + count) // self.frame_rows)])

    def _kept(self, opened: Opened, names: tuple[str, ...]) -> pl.LazyFrame:
        return pl.concat([bytes_frame(opened.scratch.get(name)) for name in names]).lazy()
