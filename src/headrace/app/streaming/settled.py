"""What was settled of a streamed table by its first rows: the types of its columns, kept in the store, in the lake and on record."""

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from headrace.app.errors import StreamedColumnsMoved
from headrace.app.streamed import STREAM, find_streamed
from headrace.app.streaming.around import Around
from headrace.app.streaming.lake_rows import column_types
from headrace.app.streaming.outbox import rows_of, waiting_chunks
from headrace.expressions import DType
from headrace.features.stores.contract import Commit
from headrace.ingest.column_types import dtype_of
from headrace.ingest.stream.door import StreamDoor
from headrace.spec.tables import Entity, Events


class Settled:
    """Knows what was settled of one table, by this worker or another.

    Attributes:
        types: the types of the table's columns; empty until they are known.
    """

    def __init__(self, table: Events | Entity, around: Around) -> None:
        self._table, self._workspace, self._lake = table, around.workspace, around.lake
        self._store, self._patience = around.store, around.patience
        self._recorded: dict[str, Any] = {}
        self.types: dict[str, DType] = {}
        self._is_kept = True
        self._read_record()

    def look_again(self) -> bool:
        """Read anew what is on record, and tell whether the table's columns are known by that first, or by what the lake has."""
        were_known = bool(self.types)
        self._read_record()
        if not self.types and (version := self._lake.tables.version(self._table.name)) is not None:
            self.types = column_types(self._lake, self._table.name, version)  # whoever brought it died before it was on record
        return bool(self.types) and not were_known

    def position(self, partition: int) -> dict[str, Any]:
        """Return a partition's position as it is on record; empty if it is not."""
        found: dict[str, Any] = self._recorded.get("positions", {}).get(str(partition), {})
        return found

    def door(self) -> StreamDoor:
        """Return the door, with the source's types that were settled: as the store has them, or the ledger if the store was lost."""
        _, (pins,) = self._patience.until_done(lambda: self._store.read([], [self._mark]))
        settled = msgspec.json.decode(pins) if pins is not None else self._recorded.get("pins")
        types = None if settled is None else {name: DType(kind) for name, kind in settled.items()}
        return StreamDoor(self._table, self._workspace.pseudonym_key(), types)

    def pinning(self, pins: Mapping[str, DType] | None) -> Commit:
        """Return what keeps the types that the first rows settled: of two workers that see first rows at once one settles them."""
        return Commit() if pins is None else Commit(expect={self._mark: None}, marks={self._mark: msgspec.json.encode(dict(pins))})

    def know(self, partition: int, accepted: pl.DataFrame) -> bool:
        """Hold accepted rows to the table's columns, and tell whether these are known by them first.

        Raises:
            StreamedColumnsMoved: if rows that came before have others: these would never fit into their table.
        """
        makes = _types_of(accepted)
        if not makes:  # no row could be read yet
            return False
        had = self.types or self._waiting(partition)
        if had and makes != had:
            raise StreamedColumnsMoved(self._table.name, had, makes, self._table.location)
        if not accepted.height or self.types:
            return False
        self.types, self._is_kept = makes, False
        return True

    def kept(self) -> None:
        """Take note that the rows by which the columns are known were committed."""
        self._is_kept = True

    def forget_unkept(self) -> bool:
        """Forget columns known by rows that were not committed: another may have settled them otherwise. Tell whether there were any."""
        if self._is_kept:
            return False
        self.types, self._is_kept = {}, True
        return True

    def _read_record(self) -> None:
        version = find_streamed(self._workspace, self._table)
        self._recorded = {}
        if version is not None:
            # Whoever put a table on record that another had brought may not have known the source's types.
            pins, positions = version.profile["source_types"] or None, version.profile[STREAM]["positions"]
            self._recorded = {"pins": pins, "positions": positions}
            self.types = self.types or {name: DType(kind) for name, kind in version.types.items()}

    def _waiting(self, partition: int) -> dict[str, DType]:
        """Return the columns of rows that wait for the lake: whoever took them may have died before anything was on record."""
        waiting = self._patience.until_done(lambda: waiting_chunks(self._store, self._table.name, partition))
        first = next((each.chunk.accepted for each in waiting if each.chunk.accepted), b"")
        return next((_types_of(frame) for frame in rows_of([first])), {})

    @property
    def _mark(self) -> str:
        return f"pins/{self._table.name}"


def _types_of(rows: pl.DataFrame) -> dict[str, DType]:
    return {name: dtype_of(name, dtype) for name, dtype in rows.schema.items()}
