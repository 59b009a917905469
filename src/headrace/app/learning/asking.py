"""The features of a learner's questions: from the online state, and by batch where a question is about a moment that the state has left."""

from collections.abc import Callable

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
from headrace.ingest.requests import ARRIVAL
from headrace.lake.lake import Lake


class Asking:
    """Asks for one learner. Batch reads all of the lake, however few rows ask: so it is asked for many, which the next steps take.

    That changes no value: of tables nothing comes any more that belongs before what a learner may do.
    """

    def __init__(self, parent: Champion, lake: Lake, store: StateStore, at_once: int) -> None:
        self._parent, self._lake, self._store, self._at_once = parent, lake, store, at_once
        self._ready: pl.DataFrame | None = None

    def features(self, rows: pl.DataFrame, ahead: Callable[[], pl.DataFrame]) -> pl.DataFrame | None:
        """Return the features of each row, in the order of the rows; None: the state that they need is not whole yet.

        `ahead` gives rows that begin with them, by moment, and go on with what may be asked as well.
        """
        parent, store = self._parent, self._store
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
                parts.append(self._by_batch(rows[theirs], ahead))
            return pl.concat(parts)[np.argsort(np.concatenate([ours, theirs]))]

    def _by_batch(self, rows: pl.DataFrame, ahead: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        ready, asked = self._ready, rows.select(ARRIVAL)
        if ready is None or asked.join(ready, on=ARRIVAL, how="anti").height:
            ready = self._ready = self._computed(rows.height, ahead())
        return asked.join(ready, on=ARRIVAL, how="left", maintain_order="left").drop(ARRIVAL)

    def _computed(self, fewest: int, ahead: pl.DataFrame) -> pl.DataFrame:
        """Return the features of the first rows ahead that ask by batch, so many at least, with their arrivals."""
        early = ahead.filter(pl.Series(_are_early(self._parent, self._store, ahead))).head(max(fewest, self._at_once))
        known = [] if self._ready is None else [self._ready.join(early, on=ARRIVAL, how="semi")]
        missing = early.join(known[0], on=ARRIVAL, how="anti") if known else early
        computed = missing.select(ARRIVAL).hstack(_compute(self._parent, self._lake, self._store, missing))
        return pl.concat([*known, computed])


def _are_early(parent: Champion, store: StateStore, rows: pl.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows ask about a moment for which the state lacks rows."""
    horizons = [table_horizon(positions_of(store, table)) for table in parent.dated]
    horizon = max((each for each in horizons if each is not None), default=None)
    return np.zeros(rows.height, np.bool_) if horizon is None else (rows[ASKED] < horizon).to_numpy()


def _compute(parent: Champion, lake: Lake, store: StateStore, rows: pl.DataFrame) -> pl.DataFrame:
    read: dict[str, dict[str, None]] = {}
    for lookup in parent.plan.lookups:
        read.setdefault(lookup.table, {}).update(dict.fromkeys([*lookup.columns, ARRIVAL_COLUMN]))
    followed = {name: rows_now(lake, store, name, list(columns)) for name, columns in read.items() if name in parent.spaces}
    return compute(parent.plan, rows.select(*parent.plan.given).lazy(), {**parent.tables, **followed})
