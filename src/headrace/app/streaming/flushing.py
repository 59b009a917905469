"""From the outbox into the lake: each row once, whoever dies at whatever moment.

A partition appends to a table in a name of its own, with the offset at which it goes on as the number (`lake.tables.Once`). So the table
itself says how far it has a partition's rows, and of two processes that think a partition is theirs one is refused. Chunks leave the
outbox when the lake has them; those that it had already, because somebody died in between, leave it the same way.
"""

from functools import partial
from typing import NamedTuple

import polars as pl

from headrace.app.appending import append_after
from headrace.app.streamed import LATE, QUARANTINE
from headrace.app.streaming.outbox import rows_of, waiting_chunks
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.errors import MarkMoved
from headrace.features.stream.positions import position_mark
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.messages import place_of
from headrace.lake.lake import Lake


class Flushed(NamedTuple):
    """What a flush put into the table itself, and until which offset."""

    rows: int
    next_offset: int


def app_of(table: str, partition: int) -> str:
    """Return the name in which a partition is appended to a table."""
    return f"headrace/{table}/{partition}"


def flushed_mark(table: str, partition: int) -> str:
    """Return the mark that says until which offset the lake had a partition's rows."""
    return f"flushed/{table}/{partition}"


def flush_partition(lake: Lake, store: StateStore, table: str, partition: int) -> Flushed | None:
    """Bring a partition's chunks into the lake, and take them out of the outbox; None: there were none, or the partition is another's.

    As long as no column is known there is no table. What is set aside is brought all the same; should the store be lost, the source gives
    these messages again.

    Raises:
        LakeFault, CommitConflict: if the lake does not take them; they stay in the outbox.
        AppendMoved: if another process keeps appending in the partition's name.
        StoreFault: if the store fails.
    """
    _, (position,) = store.read([], [position_mark(table, partition)])
    waiting = waiting_chunks(store, table, partition)
    if not waiting:
        return None
    parts = ([each.chunk.late for each in waiting], [each.chunk.quarantined for each in waiting], [each.chunk.accepted for each in waiting])
    end, rows, is_table = waiting[-1].chunk.next_offset, 0, False
    for name, packed in zip(tables_of(table), parts, strict=True):
        if frames := rows_of(packed):
            ordered = [each.select(frames[0].columns) for each in frames]  # a description may name the same columns in another order
            rows = append_after(lake, name, app_of(table, partition), partial(_from, pl.concat(ordered), end))
            is_table = name == table
    marks = {flushed_mark(table, partition): str(end).encode()} if is_table else {}
    drop = [each.field for each in waiting]
    try:
        store.commit(Commit(expect={position_mark(table, partition): position}, marks=marks, drop=drop))
    except MarkMoved:  # another has it, and may have kept more in a chunk than we have seen: he takes them out
        return None
    return Flushed(rows if is_table else 0, end)


def tables_of(table: str) -> tuple[str, ...]:
    """Return the lake's tables that a table's rows go to, the table itself last: it says how far all of them are."""
    return f"{table}/{LATE}", f"{table}/{QUARANTINE}", table


def _from(rows: pl.DataFrame, end: int, last: int | None) -> tuple[pl.DataFrame, int] | None:
    """Return the rows of messages from an offset on, which end before another; None: they were all there."""
    if last is not None and last >= end:
        return None
    _, offset = place_of(pl.col(ARRIVAL))
    return rows if last is None else rows.filter(offset >= last), end
