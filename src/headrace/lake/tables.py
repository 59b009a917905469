"""Versioned tables in Delta Lake: a version once written is never changed, and a reader sees a whole version or none."""

import random
import re
import time
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Literal, NamedTuple

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions
from obstore.exceptions import BaseError

from headrace.lake.columns import as_kept, check_same, check_types, delta_schema, from_delta, kept_schema
from headrace.lake.errors import AppendMoved, CommitConflict, InvalidTableName, LakeFault, SchemaConflict, UnknownTable
from headrace.lake.parts import Parts, StagedFile
from headrace.lake.place import Place, table_folder

Mode = Literal["overwrite", "append"]
_NAME = re.compile(r"[A-Za-z0-9][\w-]*(/[A-Za-z0-9][\w-]*)?", re.ASCII)
_ATTEMPTS = 30
_READ_SECONDS = 60
"""For one request, of some tens of megabytes at most."""
# A run refers to versions for as long as the ledger lives; Delta's own default forgets them after thirty days.
_CONFIGURATION = {"delta.logRetentionDuration": "interval 36500 days", "delta.deletedFileRetentionDuration": "interval 36500 days"}


class TableVersion(NamedTuple):
    """A version of a table: what the whole table holds at that version, and its size at rest."""

    name: str
    version: int
    rows: int
    size_bytes: int


NEVER = -1


class Once(NamedTuple):
    """What makes an append happen once: who appends, and a number that is greater each time (Delta protocol, "Transaction Identifiers").

    `after` is the number that the app must have appended before, `NEVER` if it never did; None: whichever.
    """

    app: str
    number: int
    after: int | None = None


class Tables:
    """The Delta tables of a project. Thread safe; several processes may write. Who appends often keeps one of these."""

    def __init__(self, at: Place) -> None:
        self._place = at
        # What the last append opened: to open a table is to read its whole log, to bring it up to date only what is new.
        self._appended: dict[str, DeltaTable] = {}

    def write(
        self,
        name: str,
        rows: pl.DataFrame | pl.LazyFrame | Iterable[pl.DataFrame],
        mode: Mode = "overwrite",
        *,
        once: Once | None = None,
    ) -> TableVersion:
        """Write rows, in order, as the table's next version, and return it.

        The rows are read back in the order given; rows of several appends come in any order among themselves. Overwriting may change the
        columns; appending may not. When another writer commits first the commit is made again on top: an append keeps both, of two
        overwrites the later is the newest version. Rows of a lazy frame, or frames of one schema that are given one after the other (one
        of no rows, if there are none), are in memory some tens of megabytes at a time; where they fail, what was written is removed.

        An append that is to be made `once` is not made again where its number, or a greater one of the same app, is in the table already:
        after a crash, or of two who make it at once, one does. The newest version is returned then. See `appended`.

        Raises:
            AppendMoved: if the app's last number is neither that one, nor the one that it must come after.
            SchemaConflict: for columns that the lake cannot hold, or that are not the table's own.
            CommitConflict: if other writers won each of thirty times.
            LakeFault: if the store fails.
        """
        schema, frames = _framed(rows)
        check_types(name, schema)
        kept = self._open_again(name) if mode == "append" else self._open(name)
        if _is_made(name, kept, once) and kept is not None:
            self._appended[name] = kept
            return _version(name, kept)
        if kept is not None and mode == "append":
            columns = _rows_of(kept, self._place).collect_schema()
            check_same(name, schema, columns)
            schema = columns
        parts = self._parts(name)
        parts.put(as_kept(frame.select(schema.names())) for frame in frames)
        return self._publish(name, kept, schema, parts, mode, once)

    def widen(self, name: str, columns: Mapping[str, pl.DataType]) -> None:
        """Add the columns that a table lacks by name, if there is one; its rows are null there. Several may do this at once.

        Raises:
            SchemaConflict: for a type that the lake cannot hold.
            CommitConflict: if other writers won each of thirty times.
            LakeFault: if the store fails.
        """
        check_types(name, columns)
        self._appended.pop(name, None)
        for attempt in range(_ATTEMPTS):
            table = self._open(name)
            there = columns if table is None else _rows_of(table, self._place).collect_schema()
            lacking = {column: dtype for column, dtype in columns.items() if column not in there}
            if table is None or not lacking:
                return
            try:
                table.alter.add_columns(delta_schema(lacking).fields, commit_properties=_properties(None))
                self._place.child(table_folder(name)).settle(f"_delta_log/{table.version():020d}.json")
                return
            except CommitFailedError:
                time.sleep(random.uniform(0.5, 1.5) * min(0.01 * 2**attempt, 1))
            except (DeltaError, OSError) as error:
                raise LakeFault("add columns to the table at", self.location(name), error) from error
        raise CommitConflict(name, _ATTEMPTS)

    def stage(self, name: str, writing: str, number: int, frames: Iterable[pl.DataFrame]) -> tuple[StagedFile, ...]:
        """Write some of the rows of a version that `publish` will make of them: of several stages in the order of their numbers.

        `writing` names the writing that they belong to. To stage a number again replaces it. The table does not know of them yet.

        Raises:
            LakeFault: if the store fails.
        """
        parts = self._parts(name, writing, number)
        parts.put(as_kept(frame) for frame in frames)
        return tuple(StagedFile(add.path, add.size, add.stats) for add in parts.adds)

    def publish(self, name: str, schema: pl.Schema, files: Iterable[StagedFile]) -> TableVersion:
        """Make the files of stages the table's next version, in place of what it held; as `write` does."""
        check_types(name, schema)
        parts = self._parts(name)
        parts.take(files)
        return self._publish(name, self._open(name), schema, parts, "overwrite")

    def _parts(self, name: str, writing: str = "", number: int | None = None) -> Parts:
        return Parts(self._place.child(table_folder(name)), writing, number)

    def _publish(
        self, name: str, kept: DeltaTable | None, schema: pl.Schema, parts: Parts, mode: Mode, once: Once | None = None
    ) -> TableVersion:
        for attempt in range(_ATTEMPTS):
            fault = None
            try:
                committed = self._commit(name, kept, schema, parts.adds, mode, once)
                if kept is not None and mode == "append":
                    self._appended[name] = kept
                return committed
            except CommitFailedError:
                time.sleep(random.uniform(0.5, 1.5) * min(0.01 * 2**attempt, 1))
            except LakeFault as error:
                fault = error
            kept = self._open(name)
            if kept is not None and parts.adds and parts.adds[0].path in _actions(kept).column("path").to_pylist():
                return _version(name, kept)  # the answer was lost, not the commit
            if kept is not None and self._made_by_another(name, kept, once, parts):
                return _version(name, kept)
            if fault is not None:
                raise fault  # the parts stay: the commit may yet be seen, and what nobody names is swept later
            if kept is not None and mode == "append":
                self._check_still_same(name, kept, schema, parts)
        parts.discard()
        raise CommitConflict(name, _ATTEMPTS)

    def scan(self, name: str, version: int | None = None) -> pl.LazyFrame:
        """Return a version of a table, the newest unless one is named, to be read lazily.

        Raises:
            UnknownTable: if there is no such table or version.
        """
        table = self._open(name, version)
        if table is None:
            raise UnknownTable(name, self.location(name), version, self.version(name))
        return _rows_of(table, self._place)

    def version(self, name: str) -> int | None:
        """Return the newest version of a table, or None if there is no such table."""
        table = self._open(name)
        return None if table is None else table.version()

    def newest(self, name: str) -> TableVersion | None:
        """Return the newest version of a table with its size, or None if there is no such table."""
        table = self._open(name)
        return None if table is None else _version(name, table)

    def exists(self, name: str, version: int) -> bool:
        """Tell whether a version of a table is kept."""
        return self._open(name, version) is not None

    def appended(self, name: str, app: str) -> int | None:
        """Return the greatest number with which an app appended to a table `once`; None if it never did, or there is no table."""
        table = self._open(name)
        return None if table is None else table.transaction_version(app)

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

    def _open_again(self, name: str) -> DeltaTable | None:
        table = self._appended.pop(name, None)  # no other thread has it then
        if table is None:
            return self._open(name)
        try:
            # It is not there if somebody removed the table, and perhaps made another.
            self._place.child(table_folder(name)).store().head(f"_delta_log/{table.version():020d}.json")
            table.update_incremental()
        except (BaseError, DeltaError, OSError):  # told by opening it, if it is still so
            return self._open(name)
        return table

    def _check_still_same(self, name: str, kept: DeltaTable, schema: pl.Schema, parts: Parts) -> None:
        try:
            check_same(name, schema, _rows_of(kept, self._place).collect_schema())
        except SchemaConflict:
            parts.discard()
            raise

    def _made_by_another(self, name: str, kept: DeltaTable, once: Once | None, parts: Parts) -> bool:
        try:
            made = _is_made(name, kept, once)
        except AppendMoved:
            parts.discard()
            raise
        if made:
            parts.discard()
        return made

    def _commit(
        self, name: str, kept: DeltaTable | None, schema: pl.Schema, adds: list[AddAction], mode: Mode, once: Once | None
    ) -> TableVersion:
        try:
            if kept is None:
                kept = self._create(name, schema, adds, once)
            else:
                kept.create_write_transaction([*adds], mode, delta_schema(schema), commit_properties=_properties(once))
                kept.load_as_version(kept.version() + 1)
            self._place.child(table_folder(name)).settle(f"_delta_log/{kept.version():020d}.json")
        except CommitFailedError:
            raise
        except (DeltaError, OSError) as error:
            if kept is None and self.version(name) is not None:
                raise CommitFailedError(str(error)) from error
            raise LakeFault("write the table at", self.location(name), error) from error
        return _version(name, kept)

    def _create(self, name: str, schema: pl.Schema, adds: list[AddAction], once: Once | None) -> DeltaTable:
        location, options = self.location(name), dict(self._place.options)
        create_table_with_add_actions(
            location,
            delta_schema(schema),
            adds,
            mode="error",
            configuration=_CONFIGURATION,
            storage_options=options,
            commit_properties=_properties(once),
        )
        return DeltaTable(location, version=0, storage_options=options)


def _framed(rows: pl.DataFrame | pl.LazyFrame | Iterable[pl.DataFrame]) -> tuple[pl.Schema, Iterable[pl.DataFrame]]:
    if isinstance(rows, pl.DataFrame):
        return rows.schema, (rows,)
    if isinstance(rows, pl.LazyFrame):
        return rows.collect_schema(), rows.collect_batches(engine="streaming")
    frames = iter(rows)
    first = next(frames)
    return first.schema, chain((first,), frames)


def _properties(once: Once | None) -> CommitProperties:
    """Without retries of its own, in which Delta would add the rows to those of a writer who was first, whatever the mode."""
    return CommitProperties(max_commit_retries=0, app_transactions=[Transaction(once.app, once.number)] if once else None)


def _is_made(name: str, table: DeltaTable | None, once: Once | None) -> bool:
    if once is None:
        return False
    last = None if table is None else table.transaction_version(once.app)
    if last is not None and last >= once.number:
        if last > once.number and once.after is not None:
            raise AppendMoved(name, once.app, last)
        return True
    if once.after is not None and once.after != (NEVER if last is None else last):
        raise AppendMoved(name, once.app, last)
    return False


def _actions(table: DeltaTable) -> pa.Table:
    return pa.table(table.get_add_actions(flatten=True))


def _version(name: str, table: DeltaTable) -> TableVersion:
    files = _actions(table)
    return TableVersion(name, table.version(), sum(files.column("num_records").to_pylist()), sum(files.column("size_bytes").to_pylist()))


def _rows_of(table: DeltaTable, at: Place) -> pl.LazyFrame:
    fields = table.schema().fields
    schema = kept_schema(fields)
    if schema is None:
        return from_delta(pl.scan_delta(table), fields)
    files = _actions(table).sort_by([("modification_time", "ascending"), ("path", "ascending")])
    if not files.num_rows:
        return from_delta(pl.LazyFrame(schema=schema), fields)
    root = table.table_uri.rstrip("/")
    paths = [f"{root}/{path}" for path in files.column("path").to_pylist()]
    # Polars would wait without end for a store that took a request and does not answer it.
    told = {**at.options, "timeout": f"{_READ_SECONDS}s"} if at.options else None
    # Files that were written before the table was widened lack a column.
    rows = pl.scan_parquet(paths, schema=schema, glob=False, storage_options=told, missing_columns="insert")
    return from_delta(rows, fields)
