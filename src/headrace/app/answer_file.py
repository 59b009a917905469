"""A file of answers, written frame by frame; it appears whole or not at all."""

import os
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import polars as pl
import pyarrow.parquet as parquet

from headrace.core.errors import UserError
from headrace.features.buckets import arrow

WRITERS = (".csv", ".parquet")


def check_output(output: Path, rows: Path) -> None:
    """Check that the answers to a file of rows can have this name.

    Raises:
        UserError: for a suffix that nothing writes, and for the file of rows itself.
    """
    if output.suffix not in WRITERS:
        raise UserError(
            f"no answers can be written into {output.name!r}: its ending names no format.",
            remedy=f"Name a file that ends in {' or '.join(WRITERS)}.",
        )
    if output.exists() and rows.exists() and output.samefile(rows):
        raise UserError(f"{output.name!r} is the file of rows itself: the answers would take its place.", remedy="Name another for them.")


class AnswerFile:
    """Used in a `with`: frames go to a hidden file beside it, which takes its name at the end, and goes when something failed."""

    def __init__(self, output: Path) -> None:
        self._output, self._temporary = output, output.with_name(f".{output.name}.part")
        self._parquet: parquet.ParquetWriter | None = None
        self._empty = True

    def __enter__(self) -> "AnswerFile":
        try:
            self._file: BinaryIO = self._temporary.open("wb")
        except OSError as error:
            error.filename = str(self._output)  # what was asked for, not the hidden one
            raise
        return self

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows; all frames have the same columns and types."""
        if self._output.suffix == ".csv":
            frame.write_csv(self._file, include_header=self._empty)
        else:
            table = arrow(frame)
            self._parquet = self._parquet or parquet.ParquetWriter(self._file, table.schema, compression="zstd")
            self._parquet.write_table(table)
        self._empty = False

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._parquet is not None:
                self._parquet.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                self._temporary.replace(self._output)
        finally:
            self._file.close()
            self._temporary.unlink(missing_ok=True)
