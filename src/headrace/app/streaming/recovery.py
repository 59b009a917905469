"""Taking a partition over: from the store as it stands, or from the lake where the store was lost."""

from typing import Any

import msgspec
import polars as pl

from headrace.app.errors import StreamedRowsLost
from headrace.app.streamed import LATE, QUARANTINE
from headrace.app.streaming.flushing import flushed_mark
from headrace.app.streaming.lake_rows import LakeRows
from headrace.app.streaming.partitions import Owned, joined, read_owned, remembered
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stream.admitting import PartitionState, Rules, sort_out
from headrace.features.stream.positions import Position, position_mark
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.messages import place_of


def take_over(store: StateStore, rows: LakeRows, rules: Rules, recorded: dict[str, Any]) -> Owned:
    """Return a partition as it is to be gone on with. Where only the lake knows of it, its mark is not set yet: see `settle`.

    `recorded` is the position that the ledger has, which is no further than the lake: all of it where the lake has come no further since,
    else what the lake knows nothing of.

    Raises:
        StreamedRowsLost: if the lake lacks rows that it had.
    """
    table, partition, last = rows.table, rows.partition, rows.last
    owned = read_owned(store, table, partition)
    _, (flushed,) = store.read([], [flushed_mark(table, partition)])
    if flushed is not None and (last is None or last < int(flushed)):
        raise StreamedRowsLost(table, rows.lake.tables.location(table), int(flushed), last)
    return _from_lake(rows, rules, last, recorded) if owned.mark is None and last is not None else owned


def settle(store: StateStore, table: str, partition: int, owned: Owned) -> Owned:
    """Set the mark of a partition that was made from the lake, after everything else of it is there.

    Raises:
        MarkMoved: if another worker was first.
    """
    if owned.mark is not None or owned.position.next_offset == 0:
        return owned
    name, value = position_mark(table, partition), owned.position.to_bytes()
    ids, runs = remembered(table, partition, Owned(), owned.state)
    flushed = {flushed_mark(table, partition): str(owned.position.next_offset).encode()}
    store.commit(joined(Commit(expect={name: None}, marks={name: value, **flushed}), ids))
    return Owned(mark=value, position=owned.position, state=owned.state, runs=runs)


def _from_lake(rows: LakeRows, rules: Rules, last: int, recorded: dict[str, Any]) -> Owned:
    state, accepted, newest = PartitionState(), 0, -1
    for frame in rows.frames():
        state = sort_out(frame, state, rules).state  # they were accepted once, in this order: so they are again
        accepted, newest = accepted + frame.height, frame[ARRIVAL][-1]
    # A row that came a second time may have moved it further than those that the lake has: what was late stays late.
    moments = [each for each in (state.newest_us, recorded.get("newest_us")) if each is not None]
    state = PartitionState(max(moments, default=None), state.ids)
    if recorded.get("next_offset") == last:
        return Owned(position=msgspec.convert(recorded, Position), state=state)
    position = Position(
        next_offset=last,
        newest_us=state.newest_us,
        watermark_us=state.watermark_us(rules),
        newest_arrival=newest,
        accepted=accepted,
        origin=str(recorded.get("origin", "")),
        late=_rows_before(rows, LATE, last),
        duplicates=int(recorded.get("duplicates", 0)),
        quarantined=_rows_before(rows, QUARANTINE, last),
    )
    return Owned(position=position, state=state)


def _rows_before(rows: LakeRows, kind: str, last: int) -> int:
    tables, name = rows.lake.tables, f"{rows.table}/{kind}"
    if tables.version(name) is None:
        return 0
    theirs, offsets = place_of(pl.col(ARRIVAL))
    return int(tables.scan(name).select(((theirs == rows.partition) & (offsets < last)).sum()).collect().item())
