"""Questions answered from a store, many at once, by the code that answers them in batch.

The rows of the keys that are asked about are read from their records, and stand for the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from headrace.core.moments import moment_of
from headrace.expressions import DType
from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.answering import AS_OF, Prepared
from headrace.features.batch import apart, assemble, lookup_columns, question_columns
from headrace.features.errors import AskedBeforeState
from headrace.features.lookups import PlannedLookup
from headrace.features.once import Once
from headrace.features.plan import FeaturePlan
from headrace.features.prepared import ARRIVAL, KNOWN, SEEN, TIME, VALUE, key_names
from headrace.features.stores.contract import StateStore
from headrace.features.stream import layout as words
from headrace.features.stream.keys import record_key
from headrace.features.stream.layout import GroupLayout, slot_layouts, sorted_keys
from headrace.features.stream.positions import position_prefix, read_position, table_horizon
from headrace.features.stream.pruning import TIME_IS_NULL
from headrace.features.stream.segments import Rows, gather, join

_READ_AT_ONCE = 2000
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """The rows of some keys: each with the place of its key."""

    rows: Rows
    owners: Integers


def answer(
    plan: FeaturePlan,
    store: StateStore,
    spine: pl.DataFrame,
    as_of: datetime | None = None,
    tables: Mapping[str, pl.LazyFrame] | None = None,
) -> pl.DataFrame:
    """Return the features of each row of the spine, in its order; `tables` are those that are not followed, by name.

    An `as_of` given here stands for the plan's own, for every row.

    Raises:
        AskedBeforeState: for a question before the horizon of a table that is followed.
    """
    others = [lookup for lookup in plan.lookups if lookup.table in (tables or {})]
    columns = lookup_columns(plan, others, spine.lazy(), tables or {}, as_of) if others else {}
    followed = [lookup for lookup in plan.lookups if lookup.slot not in columns]
    layouts = slot_layouts(plan)
    asked = apart({lookup.slot: question_columns(plan, lookup, as_of) for lookup in followed}, spine.lazy())
    alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[PlannedLookup]] = {}
    for lookup in followed:
        alike.setdefault((layouts[lookup.slot].space, tuple(sorted_keys(lookup))), []).append(lookup)
    for lookups in alike.values():
        columns |= _answer_group(layouts[lookups[0].slot], lookups, asked, store)
    _check_horizons(followed, asked, store)  # last: the horizon may have moved, and rows gone with it, while they were read
    return assemble(plan, spine.lazy(), columns)


def read_rows(layout: GroupLayout, store: StateStore, keys: Sequence[bytes]) -> Found:
    """Return what a group holds of some keys."""
    segments: list[bytes] = []
    counts: list[int] = []
    for start in range(0, len(keys), _READ_AT_ONCE):
        records, _ = store.read([(layout.space, key) for key in keys[start : start + _READ_AT_ONCE]])
        counts.extend(len(record) for record in records)
        segments.extend(segment for record in records for segment in record)
    rows, heights = join(segments, layout.width, layout.texts)
    return Found(rows, np.repeat(np.repeat(np.arange(len(keys)), counts), heights))


def table_rows(layout: GroupLayout, lookup: PlannedLookup, found: Found) -> pl.DataFrame:
    """Return stored rows as `row_columns` gives a table's, without the keys."""
    place = layout.place(lookup)
    stored = found.rows.words
    flags = stored[:, words.FLAGS]
    time = pl.Series(stored[:, words.TIME].copy()).set(pl.Series(flags & TIME_IS_NULL != 0), None)
    known = np.zeros(len(stored), np.int64) if place.known is None else stored[:, place.known]
    columns = {KNOWN: pl.Series(known.copy()), ARRIVAL: pl.Series(stored[:, words.ARRIVAL].copy()), TIME: time}
    if place.value is not None and place.dtype is not None:
        values = _values(found.rows, place.value, place.dtype)
        columns[VALUE] = values.set(pl.Series(flags & place.null != 0), None)
    return pl.DataFrame({**columns, SEEN: pl.Series(flags & place.seen != 0)})


def _answer_group(
    layout: GroupLayout, lookups: Sequence[PlannedLookup], asked: Mapping[str, pl.DataFrame], store: StateStore
) -> dict[str, pl.Series]:
    """Answer lookups into one group that are asked about the same columns of the spine."""
    first = lookups[0]
    order = [key_names(first)[first.keys.index(pair)] for pair in sorted_keys(first)]
    keys = asked[first.slot].select(order).drop_nulls().unique(maintain_order=True)
    found = read_rows(layout, store, [record_key(values) for values in keys.select(pl.all().to_physical()).rows()])
    owned = keys[found.owners]
    shared = Once()
    columns = {}
    for lookup in lookups:
        named = zip(key_names(lookup), lookup.keys, strict=True)
        renamed = {order[sorted_keys(lookup).index(pair)]: name for name, pair in named}
        rows = table_rows(layout, lookup, found).hstack(owned.rename(renamed))
        columns[lookup.slot] = Prepared(lookup, rows, shared).answer(asked[lookup.slot], shared).alias(lookup.slot)
    return columns


def _values(rows: Rows, word: int, dtype: DType) -> pl.Series:
    stored = rows.words[:, word].copy()
    if dtype == DType.STRING:
        heap, offsets = gather(rows.heap, stored)
        edges = np.append(offsets, len(heap)).astype(np.int64)
        return pl.Series(pa.LargeStringArray.from_buffers(len(stored), pa.py_buffer(edges), pa.py_buffer(heap)))
    if dtype == DType.FLOAT:
        return pl.Series(stored.view(np.float64))
    return pl.Series(stored).cast(POLARS_TYPES[dtype])


def _check_horizons(lookups: Sequence[PlannedLookup], asked: Mapping[str, pl.DataFrame], store: StateStore) -> None:
    for table in dict.fromkeys(lookup.table for lookup in lookups if lookup.known):
        positions = [read_position(mark) for mark in store.marks(position_prefix(table)).values()]
        horizon = table_horizon(positions)
        asked_at = [asked[each.slot][AS_OF].drop_nulls() for each in lookups if each.table == table and each.known]
        earliest = min((int(moments.to_numpy().min()) for moments in asked_at if len(moments)), default=None)
        if horizon is not None and earliest is not None and earliest < horizon:
            raise AskedBeforeState(moment_of(earliest), moment_of(horizon), table)
