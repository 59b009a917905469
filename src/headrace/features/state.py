"""What online questions read: the rows that lookups can still see, by key, as Arrow tables.

On disk: `state.json` and one Arrow IPC file a table. No pickle, no Polars: the server loads it with pyarrow alone.
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from headrace.features.errors import FeatureError

FORMAT = 1


class SlotState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a lookup's rows are: `meaning` is the fingerprint of the lookup, `keys` the name of its key table."""

    meaning: str
    keys: str


class StateIndex(msgspec.Struct, frozen=True, kw_only=True):
    """What `state.json` says."""

    moment: datetime
    slots: dict[str, SlotState]
    format: int = FORMAT


class FeatureState:
    """State published as of `moment`; immutable, safe to read from many threads.

    Attributes:
        moment: questions are answered as of this moment or later, from what was known before it.
        slots: for each lookup its key table and the fingerprint of its meaning.
        keys: key tables by name: row g has the key of group g, columns `0`, `1`, ... Lookups by the same columns of a table share one.
        rows: for each slot its rows, sorted by group, then as they became known: `group` (int64), for a window `known` (int64,
            microseconds), for `max_age` `time` (int64), and `value`: numbers, booleans, moments, or texts as codes of a sorted dictionary;
            ranks for `distinct`.
    """

    def __init__(self, moment: datetime, slots: Mapping[str, SlotState], keys: Mapping[str, Any], rows: Mapping[str, Any]) -> None:
        self.moment = moment
        self.slots = dict(slots)
        self.keys = dict(keys)
        self.rows = dict(rows)

    @property
    def size_bytes(self) -> int:
        """The memory that its tables take."""
        return sum(int(table.nbytes) for table in (*self.keys.values(), *self.rows.values()))

    def save(self, folder: Path) -> None:
        """Write the state to a folder, which is made if need be; `state.json` comes last, so that a folder with it is whole."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in _files(self.keys, self.rows):
            with pa.OSFile(str(folder / name), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
        index = StateIndex(moment=self.moment, slots=self.slots)
        (folder / "state.json").write_bytes(msgspec.json.format(msgspec.json.encode(index)))

    @classmethod
    def load(cls, folder: Path) -> "FeatureState":
        """Return the state that `save` wrote.

        Raises:
            FeatureError: if the folder holds none, or one in a format that this version does not read.
        """
        path = folder / "state.json"
        if not path.exists():
            raise FeatureError(f"there is no feature state in {str(folder)!r}.", remedy="Publish one: headrace features publish.")
        index = msgspec.json.decode(path.read_bytes(), type=StateIndex)
        if index.format != FORMAT:
            raise FeatureError(
                f"the state in {str(folder)!r} has format {index.format}; this Headrace reads {FORMAT}.", remedy="Publish it again."
            )
        keys = {slot.keys: _read(folder / f"keys-{slot.keys}.arrow") for slot in index.slots.values()}
        return cls(index.moment, index.slots, keys, {slot: _read(folder / f"rows-{slot}.arrow") for slot in index.slots})


def _files(keys: Mapping[str, Any], rows: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(f"keys-{name}.arrow", table) for name, table in keys.items()] + [(f"rows-{name}.arrow", table) for name, table in rows.items()]


def _read(path: Path) -> Any:
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()
