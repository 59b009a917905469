"""The features of a learner's questions: from the online state, and by batch where a question is about a moment that the state has left."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.app.learning.rows import rows_now
from headrace.app.learning.snapshot import ASKED
from headrace.app.scoring.champion import Champion, positions_of
from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.batch import compute
from headrace.features.errors import AskedBeforeState
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.stores.contract import StateStore
from headrace.features.stream.positions import table_horizon
from headrace.features.stream.reading import answer
from headrace.lake.lake import Lake


def features_of(parent: Champion, lake: Lake, store: StateStore, rows: pl.DataFrame) -> pl.DataFrame | None:
    """Return the features of each row, in the order of the rows; None: the state that they need is not whole yet."""
    if not rows.height:
        return pl.DataFrame(schema={name: POLARS_TYPES[kind] for name, kind in parent.plan.types.items()})
    while True:
        early = _are_early(parent, store, rows)
        ours, theirs = np.flatnonzero(~early), np.flatnonzero(early)
        parts = []
        if len(ours) and not parent.is_filled(store):  # and not only after it was read: it may be filled meanwhile
            return None
        try:
            if len(ours):
                parts.append(answer(parent.plan, store, rows[ours].select(list(parent.plan.given)), tables=parent.tables))
        except AskedBeforeState:  # a horizon has moved since it was looked at
            continue
        if len(ours) and not parent.is_filled(store):  # a group was removed meanwhile
            return None
        if len(theirs):
            parts.append(_by_batch(parent, lake, store, rows[theirs]))
        return pl.concat(parts)[np.argsort(np.concatenate([ours, theirs]))]


def _are_early(parent: Champion, store: StateStore, rows: pl.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows ask about a moment for which the state lacks rows."""
    horizons = [table_horizon(positions_of(store, table)) for table in parent.dated]
    horizon = max((each for each in horizons if each is not None), default=None)
    return np.zeros(rows.height, np.bool_) if horizon is None else (rows[ASKED] < horizon).to_numpy()


def _by_batch(parent: Champion, lake: Lake, store: StateStore, rows: pl.DataFrame) -> pl.DataFrame:
    read: dict[str, dict[str, None]] = {}
    for lookup in parent.plan.lookups:
        read.setdefault(lookup.table, {}).update(dict.fromkeys([*lookup.columns, ARRIVAL_COLUMN]))
    followed = {name: rows_now(lake, store, name, list(columns)) for name, columns in read.items() if name in parent.spaces}
    return compute(parent.plan, rows.select(*parent.plan.given).lazy(), {**parent.tables, **followed})
