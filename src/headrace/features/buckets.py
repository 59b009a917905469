"""Rows that wait on disk, parted by the hash of their key: rows with the same key lie in the same bucket."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
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

    Used in a `with`, which closes the files. The place of a row in its frame is `_place` (UInt32). Several threads may write, each to
    buckets of its own.
    """

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir()
        self._folder, self._count = folder, count
        self._files: dict[int, pa.OSFile] = {}
        self._writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}

    def __enter__(self) -> "BucketWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in (*self._writers.values(), *self._files.values()):
            file.close()

    def add(self, frame: pl.DataFrame, keys: Sequence[str], places: bool = True) -> None:
        """Part a frame among the buckets; within each its rows keep their order. With `places` each gets its place in the frame."""
        rows, edges = parted(frame, keys, self._count)
        batch = batch_of(rows if places else rows.drop(PLACE))
        for number, (first, end) in enumerate(pairwise(edges)):
            self._write(number, batch.slice(first, end - first))

    def write(self, number: int, frame: pl.DataFrame) -> None:
        """Add a frame to one bucket as it is."""
        self._write(number, batch_of(frame))

    def write_frames(self, number: int, rows: pl.DataFrame, edges: Sequence[int]) -> None:
        """Add rows to one bucket as several frames: from each edge to the next."""
        batch = batch_of(rows)
        for first, end in pairwise(edges):
            self._write(number, batch.slice(first, end - first))

    def _write(self, number: int, batch: pa.RecordBatch) -> None:
        if number not in self._writers:
            self._files[number] = pa.OSFile(str(bucket_file(self._folder, number)), "wb")
            self._writers[number] = pa.ipc.new_file(self._files[number], batch.schema)
        self._writers[number].write_batch(batch)


class Bucket:
    """One bucket, read frame by frame. Used in a `with`."""

    def __init__(self, folder: Path, number: int) -> None:
        self._path = str(bucket_file(folder, number))
        self._file = pa.OSFile(self._path, "rb")
        self._reader = pa.ipc.open_file(self._file)
        self.frames = int(self._reader.num_record_batches)

    @property
    def rows(self) -> int:
        """How many rows there are, from what the file says of itself."""
        return int(self._reader.count_rows())

    def __enter__(self) -> "Bucket":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def frame(self, number: int) -> pl.DataFrame:
        """Return what one frame left here."""
        return frame_from([self.batch(number)])

    def batch(self, number: int) -> pa.RecordBatch:
        """Return the same as Arrow."""
        return self._reader.get_batch(number)

    def together(self) -> pl.DataFrame:
        """Return the rows of all frames."""
        return self._mapped(0, self.frames)

    def several(self, most: int) -> Iterator[tuple[pl.DataFrame, list[int]]]:
        """Yield the rows of frames that follow each other, as many frames as have no more than `most` rows, and one at least.

        With them the edges between the frames: 0, where the second begins, and so on to the number of all.
        """
        with pa.memory_map(self._path) as file:
            reader = pa.ipc.open_file(file)
            sizes = [reader.get_batch(number).num_rows for number in range(self.frames)]
        first = 0
        while first < self.frames:
            edges = list(accumulate(sizes[first:], initial=0))
            count = max(bisect_right(edges, most) - 1, 1)
            yield self._mapped(first, first + count), edges[: count + 1]
            first += count

    def _mapped(self, first: int, end: int) -> pl.DataFrame:
        """Return the rows of some frames, out of the file as it lies in memory: a third of what it takes to copy each frame first.

        It is mapped for them alone, since all of it that was looked at counts as memory until it is let go.
        """
        with pa.memory_map(self._path) as file:
            reader = pa.ipc.open_file(file)
            return frame_from([reader.get_batch(number) for number in range(first, end)])

    def __iter__(self) -> Iterator[pl.DataFrame]:
        return (self.frame(number) for number in range(self.frames))


def parted(frame: pl.DataFrame, keys: Sequence[str], count: int) -> tuple[pl.DataFrame, list[int]]:
    """Return the rows bucket by bucket, with their places in the frame, and where each bucket begins and the last ends."""
    key = pl.struct(keys) if len(keys) > 1 else pl.col(keys)
    bucket = frame.select((key.hash() % count).cast(pl.UInt16)).to_series().to_numpy()
    order = np.argsort(bucket, kind="stable")  # of integers so short in a single pass
    place = pl.Series(PLACE, order.astype(np.uint32))
    edges = np.cumsum(np.bincount(bucket, minlength=count)).tolist()
    return pl.DataFrame([place, *frame[place]]), [0, *edges]


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


def frame_of(buckets: Iterable[Bucket], number: int) -> pl.DataFrame:
    """Return what one frame left in several buckets, one after the other."""
    return frame_from([bucket.batch(number) for bucket in buckets])


def batches_bytes(batches: Sequence[pa.RecordBatch]) -> bytes:
    """Return record batches of one schema, one at least, as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def bytes_batches(data: bytes) -> list[pa.RecordBatch]:
    """Return the record batches that `batches_bytes` wrote."""
    with pa.ipc.open_stream(data) as reader:
        return list(reader)


def arrow(frame: pl.DataFrame) -> pa.Table:
    """Return a frame as Arrow that any version reads, texts without Polars' own layout."""
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def batch_of(frame: pl.DataFrame) -> pa.RecordBatch:
    """Return a frame as one record batch."""
    table = arrow(frame.rechunk()).combine_chunks()  # Polars 2.1 cuts the nulls of a column wrong where another one has more chunks
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def frame_from(batches: Sequence[pa.RecordBatch]) -> pl.DataFrame:
    """Return the rows of record batches, one at least."""
    found = pl.from_arrow(pa.Table.from_batches(batches))
    assert isinstance(found, pl.DataFrame)
    return found
