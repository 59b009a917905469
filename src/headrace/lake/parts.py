"""The Parquet files of a table: written in the order of the rows, so that reading them by their names gives the rows in that order."""

import io
import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import polars as pl
from deltalake.transaction import AddAction
from obstore.exceptions import BaseError

from headrace.lake.errors import LakeFault
from headrace.lake.place import Place

_PART_BYTES = 64 << 20
_ROW_GROUP = 1 << 18


class StagedFile(msgspec.Struct, frozen=True):
    """A file of rows that no table knows yet: its name, its size, and what readers may skip it by."""

    path: str
    size_bytes: int
    statistics: str


class Parts:
    """Files put where a table lies, of which the table knows nothing until they are committed."""

    def __init__(self, at: Place, writing: str = "", stage: int | None = None) -> None:
        self._place = at
        self._writing = writing or uuid.uuid4().hex
        self._prefix = "part-" if stage is None else f"part-{stage:06d}-"
        self._moment = int(datetime.now(UTC).timestamp() * 1000)
        self.adds: list[AddAction] = []

    def take(self, files: Iterable[StagedFile]) -> None:
        """Take files over that stages wrote. They count as made at one moment, so that their names say their order."""
        self.adds += [AddAction(file.path, file.size_bytes, {}, self._moment, True, file.statistics) for file in files]

    def put(self, frames: Iterable[pl.DataFrame]) -> None:
        """Write rows, in files of some tens of megabytes. If that fails, what was written is removed.

        Raises:
            LakeFault: if the store fails.
            and whatever the frames raise.
        """
        try:
            for frame in _gathered(frames):
                self._put(frame)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove what was written, as far as the store lets us: the table does not know it, so it harms nobody."""
        for add in self.adds:
            with suppress(BaseError, OSError):
                self._place.store().delete(add.path)
        self.adds = []

    def _put(self, frame: pl.DataFrame) -> None:
        path = f"{self._prefix}{len(self.adds):05d}-{self._writing}.parquet"
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd", compression_level=1, row_group_size=_ROW_GROUP)
        size = buffer.tell()
        buffer.seek(0)
        # Registered first: of an upload that breaks off, something may be there.
        self.adds.append(AddAction(path, size, {}, self._moment, True, _statistics(frame)))
        try:
            self._place.store().put(path, buffer)
            self._place.settle(path)
        except (BaseError, OSError) as error:
            raise LakeFault("write the table at", self._place.url, error) from error


def _gathered(frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    waiting: list[pl.DataFrame] = []
    size = 0
    for frame in frames:
        if frame.is_empty():
            continue
        waiting.append(frame)
        size += int(frame.estimated_size())
        if size > _PART_BYTES:
            yield pl.concat(waiting)
            waiting, size = [], 0
    if waiting:
        yield pl.concat(waiting)


def _statistics(frame: pl.DataFrame) -> str:
    """Return what readers of Delta may skip files by (Delta protocol, "Per-file Statistics"): counts, and the bounds of integers."""
    integers = frame.select(pl.col(pl.Int64))
    low, high = (found.row(0, named=True) if found.height else {} for found in (integers.min(), integers.max()))
    bounds = {
        f"{end}Values": {name: value for name, value in found.items() if value is not None} for end, found in (("min", low), ("max", high))
    }
    return json.dumps({"numRecords": frame.height, **bounds, "nullCount": frame.null_count().row(0, named=True)})
