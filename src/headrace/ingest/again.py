"""Rows read again: one that is as it was keeps the moment at which it was first ingested, so that `known="ingested"` does not forget."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from headrace.ingest.requests import ARRIVAL, INGESTED_AT

_NOW_TYPE = pl.Datetime("us", "UTC")


def first_ingested(frame: pl.DataFrame, identity: Sequence[str], previous: pl.LazyFrame | None, now: datetime) -> pl.Series:
    """Return `_ingested` for each row: that of the previous row with the same id and the same content, else now.

    Content is what both have: a column added to the description does not make old rows new. Without an id the whole content is the id.
    """
    fresh = pl.Series(INGESTED_AT, [now], _NOW_TYPE).new_from_index(0, frame.height)
    if previous is None or frame.is_empty():
        return fresh
    schema = previous.collect_schema()
    shared = [name for name, dtype in frame.schema.items() if name != ARRIVAL and schema.get(name) == dtype]
    keys = [name for name in identity if name in shared]
    if not shared or len(keys) < len(identity):
        return fresh
    keys = keys or shared
    before = previous.select(*shared, INGESTED_AT).sort(INGESTED_AT).unique(keys, keep="first", maintain_order=True).collect()
    found = frame.select(shared).join(before, on=keys, how="left", nulls_equal=True, maintain_order="left", suffix="\0before")
    same = pl.all_horizontal(pl.lit(True), *(pl.col(name).eq_missing(pl.col(f"{name}\0before")) for name in shared if name not in keys))
    kept = pl.when(same).then(pl.col(INGESTED_AT)).fill_null(pl.lit(now).cast(_NOW_TYPE))
    return found.select(kept.alias(INGESTED_AT)).to_series()
