"""Building the state that online questions read, from the tables of the lake."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa

from headrace.core.fingerprints import fingerprint
from headrace.features.batch import find_table
from headrace.features.edges import left_edge
from headrace.features.lookups import PlannedLookup
from headrace.features.plan import FeaturePlan, lookup_meaning
from headrace.features.prepared import GROUP, KNOWN, TIME, VALUE, in_order, key_groups, key_names, visible_rows
from headrace.features.slices import ranks
from headrace.features.state import FeatureState, SlotState


def build_state(plan: FeaturePlan, tables: Mapping[str, pl.LazyFrame], as_of: datetime) -> FeatureState:
    """Return all that questions at `as_of` or later can need of what was known strictly before `as_of`.

    A window keeps the rows since the left edge of a question at `as_of`; latest keeps one row a key, unless it is too old already.

    Raises:
        MissingTable: if a table that the plan looks into is not among `tables`.
    """
    kept = {}
    for lookup in plan.lookups:
        kept[lookup.slot] = _needed(lookup, visible_rows(lookup, find_table(lookup, tables), plan.functions, as_of), as_of).collect()
    shared: dict[str, list[PlannedLookup]] = {}
    for lookup in plan.lookups:
        shared.setdefault(_keys_name(lookup), []).append(lookup)
    groups = {name: _groups(lookups, kept) for name, lookups in shared.items()}
    rows = {}
    for lookup in plan.lookups:
        ordered = in_order(kept[lookup.slot], groups[_keys_name(lookup)], key_names(lookup))
        rows[lookup.slot] = _stored(lookup, ordered)
    slots = {lookup.slot: SlotState(meaning=lookup_meaning(lookup), keys=_keys_name(lookup)) for lookup in plan.lookups}
    return FeatureState(as_of, slots, {name: _key_table(frame) for name, frame in groups.items()}, rows)


def _needed(lookup: PlannedLookup, rows: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    now = pl.Series([as_of], dtype=pl.Datetime("us", "UTC")).to_physical()[0]
    if lookup.over_us is not None:
        return rows.filter(pl.col(KNOWN) >= int(left_edge(np.array([now]), lookup.over_us, lookup.hop_us)[0]))
    newest = rows.sort(KNOWN, TIME, "_arrival").unique(key_names(lookup), keep="last", maintain_order=True)
    if lookup.max_age_us is not None:
        newest = newest.filter(now - pl.col(TIME) <= lookup.max_age_us)
    return newest


def _keys_name(lookup: PlannedLookup) -> str:
    """A name shared by the lookups with the same key columns of the same table."""
    return f"{lookup.table}-{fingerprint(lookup.table, [right for _, right in lookup.keys])[:12]}"


def _groups(lookups: list[PlannedLookup], kept: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    keys = key_names(lookups[0])
    return key_groups(pl.concat([kept[lookup.slot].select(keys) for lookup in lookups]), keys)


def _key_table(groups: pl.DataFrame) -> pa.Table:
    columns = [column for column in groups.columns if column != GROUP]
    return pa.table({str(number): _arrow(groups[column]) for number, column in enumerate(columns)})


def _stored(lookup: PlannedLookup, rows: pl.DataFrame) -> pa.Table:
    columns = {"group": _arrow(rows[GROUP])}
    if lookup.over_us is not None:
        columns["known"] = _arrow(rows[KNOWN])
    if lookup.max_age_us is not None:
        columns["time"] = _arrow(rows[TIME])
    if VALUE in rows.columns:
        columns["value"] = _coded(rows[VALUE], lookup.aggregate_kind)
    return pa.table(columns)


def _coded(values: pl.Series, kind: str) -> pa.Array:
    if kind == "distinct":
        return pa.array(ranks(values)[0])
    if values.dtype == pl.String:
        distinct = values.drop_nulls().unique().sort()
        codes = values.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64)
        return pa.DictionaryArray.from_arrays(_arrow(codes), _arrow(distinct))
    return _arrow(values)


def _arrow(values: pl.Series) -> pa.Array:
    """A column as Arrow, without Polars' own string layout."""
    kinds = {pl.String: pa.string(), pl.Boolean: pa.bool_(), pl.Int64: pa.int64(), pl.Float64: pa.float64()}
    if isinstance(values.dtype, pl.Datetime | pl.Duration):
        kind = pa.timestamp("us", "UTC") if isinstance(values.dtype, pl.Datetime) else pa.duration("us")
        return _arrow(values.to_physical()).cast(kind)
    array = values.to_arrow()
    return array.cast(kinds[type(values.dtype)])
