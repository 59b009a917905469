"""Taking a partition over: from the store as it stands, or from the lake where the store was lost."""

from typing import Any

import msgspec
import polars as pl

from headrace.app.errors import StreamedRowsLost
from headrace.app.streamed import LATE, QUARANTINE
from headrace.app.streaming.filling import lake_rows
from headrace.app.streaming.flushing import app_of, flushed_mark
from headrace.app.streaming.partitions import Owned, joined, read_owned, remembered
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stream.admitting import PartitionState, Rules, sort_out
from headrace.features.stream.positions import Position, position_mark
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.messages import place_of
from headrace.lake.lake import Lake


def take_over(lake: Lake, store: StateStore, table: str, partition: int, rules: Rules, recorded: dict[str, Any]) -> Owned:
    """Return a partition as it is to be gone on with. Where only the lake knows of it, its mark is not set yet: see `settle`.

    `recorded` is the position that the ledger has, which is no further than the lake: all of it where the lake has come no further since,
    else what the lake knows nothing of.

    Raises:
        StreamedRowsLost: if the lake lacks rows that it had.
    """
    owned = read_owned(store, table, partition)
    last = lake.tables.appended(table, app_of(table, partition))
    _, (flushed,) = store.read([], [flushed_mark(table, partition)])
    if flushed is not None and (last is None or last < int(flushed)):
        raise StreamedRowsLost(table, lake.tables.location(table), int(flushed), last)
    return _from_lake(lake, table, partition, rules, last, recorded) if owned.mark is None and last is not None else owned


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


def _from_lake(lake: Lake, table: str, partition: int, rules: Rules, last: int, recorded: dict[str, Any]) -> Owned:
    state, rows, newest = PartitionState(), 0, -1
    for frame in lake_rows(lake, table, partition):
        state = sort_out(frame, state, rules).state  # they were accepted once, in this order: so they are again
        rows, newest = rows + frame.height, frame[ARRIVAL][-1]
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
        accepted=rows,
        origin=str(recorded.get("origin", "")),
        late=_rows_before(lake, f"{table}/{LATE}", partition, last),
        duplicates=int(recorded.get("duplicates", 0)),
        quarantined=_rows_before(lake, f"{table}/{QUARANTINE}", partition, last),
    )
    return Owned(position=position, state=state)


def _rows_before(lake: Lake, name: str, partition: int, offset: int) -> int:
    if lake.tables.version(name) is None:
        return 0
    theirs, offsets = place_of(pl.col(ARRIVAL))
    return int(lake.tables.scan(name).select(((theirs == partition) & (offsets < offset)).sum()).collect().item())
