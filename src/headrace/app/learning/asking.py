"""The features of a learner's questions: from the online state, and by batch where a question is about a moment that the state has left."""

from collections.abc import Callable
from typing import NamedTuple

import polars as pl

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


class AtOnce(NamedTuple):
    """For how many rows features are computed at once, and kept in memory: by batch, which reads all of the lake, and from the state."""

    by_batch: int = 50_000
    by_state: int = 10_000


class Asking:
    """Asks for one learner. Steps may be short, and asking has a price however few rows ask: so it is for many, which the next steps take.

    That changes no value: of tables nothing comes any more that belongs before what a learner may do.
    """

    def __init__(self, parent: Champion, lake: Lake, store: StateStore, at_once: AtOnce) -> None:
        self._parent, self._lake, self._store, self._at_once = parent, lake, store, at_once
        self._ready: pl.DataFrame | None = None

    def features(self, rows: pl.DataFrame, ahead: Callable[[], pl.DataFrame]) -> pl.DataFrame | None:
        """Return the features of each row, in the order of the rows; None: the state that they need is not whole yet.

        `ahead` gives rows that begin with them, by moment, and go on with what may be asked as well.
        """
        if not rows.height:
            return pl.DataFrame(schema={name: POLARS_TYPES[kind] for name, kind in self._parent.plan.types.items()})
        asked, ready = rows.select(ARRIVAL), self._ready
        if ready is None or asked.join(ready, on=ARRIVAL, how="anti").height:
            ready = self._computed(rows.height, ahead())
            if ready is None:
                return None
            self._ready = ready
        return asked.join(ready, on=ARRIVAL, how="left", maintain_order="left").drop(ARRIVAL)

    def _computed(self, fewest: int, ahead: pl.DataFrame) -> pl.DataFrame | None:
        """Return the features of the first rows ahead, so many at least, with their arrivals; None: the state is not whole."""
        while True:
            early = _is_early(self._parent, self._store)
            most = max(fewest, min(ahead.filter(early).height, self._at_once.by_batch), self._at_once.by_state)
            some = ahead.head(most)
            known = [] if self._ready is None else [self._ready.join(some, on=ARRIVAL, how="semi")]
            missing = some.join(known[0], on=ARRIVAL, how="anti") if known else some
            try:
                parts = self._by_state(missing.filter(~early))
            except AskedBeforeState:  # a horizon has moved since it was looked at
                continue
            return None if parts is None else pl.concat([*known, *parts, *self._by_batch(missing.filter(early))])

    def _by_state(self, rows: pl.DataFrame) -> list[pl.DataFrame] | None:
        parent, store = self._parent, self._store
        if not rows.height:
            return []
        if not parent.is_filled(store):  # and not only after it was read: it may be filled meanwhile
            return None
        features = answer(parent.plan, store, rows.select(list(parent.plan.given)), tables=parent.tables)
        return [rows.select(ARRIVAL).hstack(features)] if parent.is_filled(store) else None  # a group may have been removed meanwhile

    def _by_batch(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        return [rows.select(ARRIVAL).hstack(_compute(self._parent, self._lake, self._store, rows))] if rows.height else []


def _is_early(parent: Champion, store: StateStore) -> pl.Expr:
    """Tell which rows ask about a moment for which the state lacks rows."""
    horizons = [table_horizon(positions_of(store, table)) for table in parent.dated]
    horizon = max((each for each in horizons if each is not None), default=None)
    return pl.lit(False) if horizon is None else pl.col(ASKED) < horizon


def _compute(parent: Champion, lake: Lake, store: StateStore, rows: pl.DataFrame) -> pl.DataFrame:
    read: dict[str, dict[str, None]] = {}
    for lookup in parent.plan.lookups:
        read.setdefault(lookup.table, {}).update(dict.fromkeys([*lookup.columns, ARRIVAL_COLUMN]))
    followed = {name: rows_now(lake, store, name, list(columns)) for name, columns in read.items() if name in parent.spaces}
    return compute(parent.plan, rows.select(*parent.plan.given).lazy(), {**parent.tables, **followed})
