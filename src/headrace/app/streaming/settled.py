"""What was settled of a streamed table by its first rows: the types of its columns, kept in the store and on record."""

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from headrace.app.errors import StreamedColumnsMoved
from headrace.app.streamed import STREAM, find_streamed
from headrace.app.streaming.outbox import rows_of, waiting_chunks
from headrace.app.streaming.patience import Patience
from headrace.app.workspace import Workspace
from headrace.expressions import DType
from headrace.features.stores.contract import Commit, StateStore
from headrace.ingest.column_types import dtype_of
from headrace.ingest.stream.door import StreamDoor
from headrace.spec.tables import Entity, Events


class Settled:
    """Knows what was settled of one table, by this worker or another.

    Attributes:
        types: the types of the table's columns; empty until they are known.
    """

    def __init__(self, table: Events | Entity, workspace: Workspace, store: StateStore, patience: Patience) -> None:
        self._table, self._workspace, self._store, self._patience = table, workspace, store, patience
        self._recorded: dict[str, Any] = {}
        self.look_again()
        self.types: dict[str, DType] = {name: DType(kind) for name, kind in self._recorded.get("types", {}).items()}

    def look_again(self) -> None:
        """Read anew what is on record."""
        version = find_streamed(self._workspace, self._table)
        self._recorded = {}
        if version is not None:
            positions = version.profile[STREAM]["positions"]
            self._recorded = {"types": version.types, "pins": version.profile["source_types"], "positions": positions}

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
        self.types = makes
        return True

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
