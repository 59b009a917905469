"""Versioned tables in Delta Lake: a version once written is never changed, and a reader sees a whole version or none."""

import random
import re
import time
from typing import Literal, NamedTuple

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from headrace.lake.columns import check_same, check_types, from_delta, to_delta
from headrace.lake.errors import CommitConflict, InvalidTableName, LakeFault, UnknownTable
from headrace.lake.place import Place, table_folder

Mode = Literal["overwrite", "append"]
_NAME = re.compile(r"[A-Za-z0-9][\w-]*(/[A-Za-z0-9][\w-]*)?", re.ASCII)
_ATTEMPTS = 30
# A run refers to versions for as long as the ledger lives; Delta's own default forgets them after thirty days.
_CONFIGURATION = {"delta.logRetentionDuration": "interval 36500 days", "delta.deletedFileRetentionDuration": "interval 36500 days"}


class TableVersion(NamedTuple):
    """A version of a table: what the whole table holds at that version, and its size at rest."""

    name: str
    version: int
    rows: int
    size_bytes: int


class Tables:
    """The Delta tables of a project. Thread safe; several processes may write."""

    def __init__(self, at: Place) -> None:
        self._place = at

    def write(self, name: str, frame: pl.DataFrame | pl.LazyFrame, mode: Mode = "overwrite") -> TableVersion:
        """Write rows, in order, as the table's next version, and return it.

        The rows are read back in the order given; rows of several appends come in any order among themselves. Overwriting may change the
        columns; appending may not. When another writer commits first the write is made again on top: an append keeps both, of two
        overwrites the later is the newest version. A lazy frame is computed whole before anything is written, so that one that fails
        leaves nothing behind.

        Raises:
            SchemaConflict: for columns that the lake cannot hold, or that are not the table's own.
            CommitConflict: if other writers won each of thirty times.
            LakeFault: if the store fails.
        """
        rows = frame.collect(engine="streaming") if isinstance(frame, pl.LazyFrame) else frame
        check_types(name, rows.schema)
        for attempt in range(_ATTEMPTS):
            kept = self._open(name)
            if kept is not None and mode == "append":
                columns = _rows_of(kept).collect_schema()
                check_same(name, rows.schema, columns)
                rows = rows.select(columns.names())
            try:
                return self._commit(name, kept, rows, mode)
            except CommitFailedError:
                time.sleep(random.uniform(0.5, 1.5) * min(0.01 * 2**attempt, 1))
        raise CommitConflict(name, _ATTEMPTS)

    def scan(self, name: str, version: int | None = None) -> pl.LazyFrame:
        """Return a version of a table, the newest unless one is named, to be read lazily.

        Raises:
            UnknownTable: if there is no such table or version.
        """
        table = self._open(name, version)
        if table is None:
            raise UnknownTable(name, self.location(name), version, self.version(name))
        return _rows_of(table)

    def version(self, name: str) -> int | None:
        """Return the newest version of a table, or None if there is no such table."""
        table = self._open(name)
        return None if table is None else table.version()

    def exists(self, name: str, version: int) -> bool:
        """Tell whether a version of a table is kept."""
        return self._open(name, version) is not None

    def location(self, name: str) -> str:
        """Return the path or URL of a table, for people and for other readers of Delta."""
        if not _NAME.fullmatch(name):
            raise InvalidTableName(name)
        return self._place.child(table_folder(name)).url

    def _open(self, name: str, version: int | None = None) -> DeltaTable | None:
        location = self.location(name)
        try:
            table = DeltaTable(location, storage_options=dict(self._place.options))
            if version is None or version == table.version():
                return table
            if not 0 <= version < table.version():
                return None
            table.load_as_version(version)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise LakeFault("open the table at", location, error) from error
        return table

    def _commit(self, name: str, kept: DeltaTable | None, rows: pl.DataFrame, mode: Mode) -> TableVersion:
        try:
            if kept is None:
                kept = self._create(name, rows)
            else:
                write_deltalake(kept, to_delta(rows), mode=mode, schema_mode="overwrite" if mode == "overwrite" else None)
        except CommitFailedError:
            raise
        except (DeltaError, OSError) as error:
            if kept is None and self.version(name) is not None:
                raise CommitFailedError(str(error)) from error
            raise LakeFault("write the table at", self.location(name), error) from error
        files = pa.table(kept.get_add_actions(flatten=True))
        rows_kept = sum(files.column("num_records").to_pylist())
        return TableVersion(name, kept.version(), rows_kept, sum(files.column("size_bytes").to_pylist()))

    def _create(self, name: str, rows: pl.DataFrame) -> DeltaTable:
        location, options = self.location(name), dict(self._place.options)
        # Without retries of its own: Delta would add these rows to those of a writer who was first, whatever the mode.
        once = CommitProperties(max_commit_retries=0)
        write_deltalake(
            location, to_delta(rows), mode="error", storage_options=options, configuration=_CONFIGURATION, commit_properties=once
        )  # fmt: skip
        return DeltaTable(location, version=0, storage_options=options)


def _rows_of(table: DeltaTable) -> pl.LazyFrame:
    return from_delta(pl.scan_delta(table), table.schema().fields)
