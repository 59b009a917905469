"""Rows that wait on disk, parted by the hash of their key: rows with the same key lie in the same bucket."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import polars as pl
import pyarrow as pa
from polars.io.plugins import register_io_source

PLACE = "_place"
MOST = 256
"""How many buckets there are at most: each is an open file while they are filled."""


class BucketWriter:
    """Fills the buckets of a folder, one Arrow file each: a record batch for each frame that was added, in the order of the frames.

    Used in a `with`, which closes the files. Each row gets its place in its frame (`_place`, UInt32).
    """

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir()
        self._folder, self._count = folder, count
        self._files: list[pa.OSFile] = []
        self._writers: list[pa.ipc.RecordBatchFileWriter] = []

    def __enter__(self) -> "BucketWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in (*self._writers, *self._files):
            file.close()

    def add(self, frame: pl.DataFrame, keys: Sequence[str]) -> None:
        """Part a frame among the buckets; within each its rows keep their order."""
        bucket = frame.select(pl.struct(keys).hash() % self._count).to_series().to_numpy()
        order = np.argsort(bucket, kind="stable")
        edges = np.searchsorted(bucket[order], np.arange(self._count + 1))
        placed = frame.with_row_index(PLACE)[order]
        for number in range(self._count):
            self.write(number, placed[edges[number] : edges[number + 1]])

    def write(self, number: int, frame: pl.DataFrame) -> None:
        """Add a frame to one bucket as it is."""
        table = arrow(frame)
        if number == len(self._writers):
            self._files.append(pa.OSFile(str(bucket_file(self._folder, number)), "wb"))
            self._writers.append(pa.ipc.new_file(self._files[-1], table.schema))
        batches = table.combine_chunks().to_batches()
        self._writers[number].write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema))


class Bucket:
    """One bucket, read frame by frame. Used in a `with`."""

    def __init__(self, folder: Path, number: int) -> None:
        self._file = pa.OSFile(str(bucket_file(folder, number)), "rb")
        self._reader = pa.ipc.open_file(self._file)
        self.frames = int(self._reader.num_record_batches)

    def __enter__(self) -> "Bucket":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def frame(self, number: int) -> pl.DataFrame:
        """Return what one frame left here."""
        found = pl.from_arrow(pa.Table.from_batches([self._reader.get_batch(number)]))
        assert isinstance(found, pl.DataFrame)
        return found

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return (self.frame(number) for number in range(self.frames))


def bucket_file(folder: Path, number: int) -> Path:
    """Return the file of a bucket."""
    return folder / f"{number:03}.arrow"


def bucket_rows(folder: Path, number: int) -> pl.LazyFrame:
    """Return a bucket's rows lazily, a frame at a time. Polars' own reader maps the file, which then counts as memory, all of it."""
    with Bucket(folder, number) as bucket:
        schema = bucket.frame(0).schema

    def read(columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _: int | None) -> Iterator[pl.DataFrame]:
        left = rows
        with Bucket(folder, number) as bucket:
            for frame in bucket:
                if left is not None and left <= 0:
                    return
                some = frame if left is None else frame.head(left)
                left = None if left is None else left - some.height
                kept = some if predicate is None else some.filter(predicate)
                yield kept if columns is None else kept.select(columns)

    return register_io_source(read, schema=schema)


def arrow(frame: pl.DataFrame) -> pa.Table:
    """Return a frame as Arrow that any version reads, texts without Polars' own layout."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())
