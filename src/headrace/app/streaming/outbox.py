"""What the lake does not have yet: rows kept in the store by the very commit that moves the position beyond them.

A chunk is what one commit brought, by the offset of its first message. Chunks of a partition follow one another without a gap.
"""

import io
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import polars as pl

from headrace.features.stores.contract import Field, Key, StateStore


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one commit as Arrow IPC streams, empty where there are none, and where the next chunk begins.

    `accepted` has its columns even without rows, unless the table's columns are not known yet.
    """

    next_offset: int
    accepted: bytes
    late: bytes
    quarantined: bytes


class Waiting(NamedTuple):
    """A chunk and where it is kept."""

    field: Field
    chunk: Chunk


def outbox_key(table: str, partition: int) -> Key:
    """Return the record of a partition's chunks."""
    return f"out/{table}", partition.to_bytes(4, "big")


def chunk_field(table: str, partition: int, first_offset: int) -> Field:
    """Return the field of a chunk: fields are in the order of their offsets."""
    return Field(*outbox_key(table, partition), first_offset.to_bytes(8, "big"))


def pack(next_offset: int, accepted: pl.DataFrame, late: pl.DataFrame, quarantined: pl.DataFrame) -> bytes:
    """Return the value of a chunk."""
    chunk = Chunk(
        next_offset=next_offset,
        accepted=_packed(accepted) if accepted.width else b"",
        late=_packed(late) if late.height else b"",
        quarantined=_packed(quarantined) if quarantined.height else b"",
    )
    return msgspec.msgpack.encode(chunk)


def waiting_chunks(store: StateStore, table: str, partition: int) -> list[Waiting]:
    """Return the chunks of a partition in the order of their offsets."""
    key = outbox_key(table, partition)
    (found,) = store.fields([key])
    return [Waiting(Field(*key, name), msgspec.msgpack.decode(value, type=Chunk)) for name, value in found]


def rows_of(packed: Sequence[bytes]) -> list[pl.DataFrame]:
    """Return the frames of some chunks' parts."""
    return [pl.read_ipc_stream(io.BytesIO(each)) for each in packed if each]


def _packed(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer, compression="lz4")
    return buffer.getvalue()
