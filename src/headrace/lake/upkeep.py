"""The upkeep of a table that is appended to: small files become large ones, old rows go, its log stays short."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import NamedTuple

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from obstore.exceptions import BaseError

from headrace.lake.errors import CommitConflict, LakeFault
from headrace.lake.place import Place, table_folder

_TARGET_BYTES = 32 << 20
_ATTEMPTS = 5
_TURN_SECONDS = 1.0
_LOG = "_delta_log/"


Turn = Callable[[], AbstractContextManager[object | None]]
"""Holds what one process has at a time; gives None if another has it."""


def alone() -> AbstractContextManager[object | None]:
    """Hold nothing: for who has a lake to himself."""
    return nullcontext(True)


class Compacted(NamedTuple):
    """How many files became how many."""

    files_before: int
    files_after: int


class Upkeep:
    """What is done to one appended table now and then. Others may append meanwhile, but one at a time does this, who has the turn.

    Of two that replace the same files Delta would commit both (it reads the log anew before it commits, and holds neither against what
    the other removed): each row would be there twice.
    """

    def __init__(self, at: Place, turn: Turn, name: str) -> None:
        self._place, self._turn, self._name = at.child(table_folder(name)), turn, name

    def compact(self, many: int) -> Compacted | None:
        """Make few files of many small ones, if there are so many; rows stay, in any order. Return None if nothing was to be done, or
        somebody else is at it.

        Raises:
            CommitConflict: if other writers kept winning.
            LakeFault: if the store fails.
        """
        if self.small_files() < many:
            return None
        with self._turn() as held:
            return None if held is None else self._compact(many)

    def _compact(self, many: int) -> Compacted | None:
        for _ in range(_ATTEMPTS):
            table = self._open()
            if table is None or _small(table) < many:
                return None
            before = len(table.file_uris())
            try:
                table.optimize.compact(target_size=_TARGET_BYTES)
                table.create_checkpoint()
            except CommitFailedError:
                continue
            except (DeltaError, OSError) as error:
                raise LakeFault("compact the table at", self._place.url, error) from error
            return Compacted(before, len(table.file_uris()))
        raise CommitConflict(self._name, _ATTEMPTS)

    def small_files(self) -> int:
        """Return how many files are smaller than they might be."""
        table = self._open()
        return 0 if table is None else _small(table)

    def delete_before(self, column: str, moment: datetime) -> int:
        """Delete the rows whose moment in a column is earlier; return how many. Their bytes go with the files, when those are swept.

        Who makes few files of many is waited for, some seconds.

        Raises:
            CommitConflict: if other writers kept winning.
            LakeFault: if the store fails.
        """
        for attempt in range(_ATTEMPTS):
            with self._turn() as held:
                if held is not None:
                    return self._delete_before(column, moment)
            time.sleep(_TURN_SECONDS * 2**attempt)
        raise CommitConflict(self._name, _ATTEMPTS)

    def _delete_before(self, column: str, moment: datetime) -> int:
        predicate = f"{column} < arrow_cast('{moment.isoformat()}', 'Timestamp(Microsecond, Some(\"UTC\"))')"
        for _ in range(_ATTEMPTS):
            table = self._open()
            if table is None:
                return 0
            try:
                return int(table.delete(predicate)["num_deleted_rows"])
            except CommitFailedError:
                continue
            except (DeltaError, OSError) as error:
                raise LakeFault("delete old rows of the table at", self._place.url, error) from error
        raise CommitConflict(self._name, _ATTEMPTS)

    def shorten_log(self, before: datetime) -> tuple[int, int]:
        """Remove commits that a checkpoint stands for, if they are older than any writer; return how many, and their bytes.

        A writer commits by making the file of the next number. One that slept since before such a commit would find its number free
        again: therefore only what is older than a writer lives may go.
        """
        if self._place.is_empty():
            return 0, 0
        try:
            store = self._place.store()
            listed = [meta for several in store.list(prefix=_LOG.rstrip("/")) for meta in several]
            points = [meta["path"] for meta in listed if ".checkpoint" in meta["path"] and meta["path"].endswith(".parquet")]
            newest = max((int(path.removeprefix(_LOG)[:20]) for path in points), default=0)
            old = [meta for meta in listed if _is_before(meta["path"], newest) and meta["last_modified"] < before]
            for meta in old:
                store.delete(meta["path"])
        except (BaseError, OSError) as error:
            raise LakeFault("shorten the log of the table at", self._place.url, error) from error
        return len(old), sum(int(meta["size"]) for meta in old)

    def _open(self) -> DeltaTable | None:
        try:
            return DeltaTable(self._place.url, storage_options=dict(self._place.options))
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise LakeFault("open the table at", self._place.url, error) from error


def _small(table: DeltaTable) -> int:
    sizes = pl.DataFrame(table.get_add_actions(flatten=True)).get_column("size_bytes")
    return int((sizes < _TARGET_BYTES // 2).sum())


def _is_before(path: str, version: int) -> bool:
    """Tell whether a file of the log is of an earlier version than one; each is named after the version it is of."""
    number = path.removeprefix(_LOG)[:20]
    return number.isdecimal() and int(number) < version
