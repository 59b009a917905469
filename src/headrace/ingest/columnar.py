"""Parquet and Arrow: files that say their types themselves, read a batch of rows at a time."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import polars as pl
import pyarrow as pa
from pyarrow import ipc, parquet

from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.unpack import opened
from headrace.spec.sources import File

_BATCH_ROWS = 1 << 16
_PACKED = (".gz", ".zip")

Chunks = Callable[[], Iterator[pl.DataFrame]]


def read_columnar(source: File, path: Path) -> tuple[pl.Schema, Chunks]:
    """Return the types of a Parquet or Arrow file's columns, and what gives its rows in frames of at most 65,536.

    A packed file is unpacked to disk first. An Arrow file's batches are as large as they were written.

    Raises:
        SourceUnreadable: if it is no such file.
    """
    with _batches(source, path) as (schema, _):
        return pl.DataFrame(schema.empty_table()).schema, lambda: _chunks(source, path)


def _chunks(source: File, path: Path) -> Iterator[pl.DataFrame]:
    with _batches(source, path) as (_, batches):
        for batch in batches:
            yield pl.DataFrame(batch)


@contextmanager
def _batches(source: File, path: Path) -> Iterator[tuple[Any, Iterator[Any]]]:
    try:
        with opened(source, path) as stream, _seekable(stream, path) as file:
            if source.format == "parquet":
                with parquet.ParquetFile(file, buffer_size=1 << 20) as reader:
                    yield reader.schema_arrow, reader.iter_batches(_BATCH_ROWS)
            else:
                with ipc.open_file(file) as reader:
                    yield reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        remedy = f"Check the file, or say what it is with format= (now {source.format!r})."
        told = " ".join(str(error).split()).rstrip(".")  # the library tells it in lines of its own
        raise SourceUnreadable(f"{path} cannot be read as {source.format}: {told}.", remedy=remedy, location=source.location) from error


@contextmanager
def _seekable(stream: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    if path.suffix.lower() not in _PACKED:
        yield stream
        return
    with tempfile.TemporaryFile() as unpacked:
        shutil.copyfileobj(stream, unpacked, 1 << 20)
        unpacked.seek(0)
        yield unpacked
