"""Who answers: a champion's bundle, its features from the online state, and the tables that are not followed."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.app.bundles import open_bundle
from headrace.app.prediction_frames import asked_at
from headrace.app.scoring.questions import AS_OF
from headrace.app.steps.comparing import newest_versions
from headrace.app.streamed import recorded_partitions
from headrace.app.workspace import Workspace
from headrace.bundles.reading import Bundle
from headrace.core.clock import Clock
from headrace.features.errors import AskedBeforeState
from headrace.features.plan import FeaturePlan
from headrace.features.stores.contract import StateStore
from headrace.features.stream.followed import watermarks_of
from headrace.features.stream.layout import slot_layouts
from headrace.features.stream.positions import Position, filled_mark, position_prefix, read_position, table_horizon
from headrace.features.stream.reading import answer
from headrace.lake.lake import Lake
from headrace.ledger import models
from headrace.ledger.models import ModelVersion

REASON = "_reason"


class Answered(NamedTuple):
    """What became of questions: those that have an answer, in the order in which they came, and those that have a `_reason` why not.

    `watermarks` say until when the followed tables were known that were read, `cpu_seconds` and `wall_seconds` are what that took.
    """

    rows: pl.DataFrame
    features: pl.DataFrame
    scores: NDArray[np.float64]
    refused: pl.DataFrame
    watermarks: Mapping[str, datetime | None]
    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True)
class Champion:
    """One that answers. `tables` are those that are not followed, at `versions`.

    Of the others, by table, `spaces` are the groups, and `partitions` those that are known to have rows.
    """

    version: ModelVersion
    bundle: Bundle
    plan: FeaturePlan
    tables: Mapping[str, pl.LazyFrame]
    versions: Mapping[str, int]
    spaces: Mapping[str, tuple[str, ...]]
    partitions: Mapping[str, Collection[int]]
    clock: Clock

    @property
    def dated(self) -> tuple[str, ...]:
        """The followed tables whose rows become known in time."""
        return tuple(dict.fromkeys(each.table for each in self.plan.lookups if each.table in self.spaces and each.known))

    def as_of(self, rows: pl.DataFrame) -> pl.Series:
        """Return the moments about which rows ask, in microseconds; null where that is not said, or a column it takes is missing."""
        if not set(self.plan.given) <= set(rows.columns):
            return pl.Series(AS_OF, [None], pl.Int64).new_from_index(0, rows.height)
        return asked_at(self.plan, rows.select(list(self.plan.given))).to_physical().alias(AS_OF)

    def answer(self, store: StateStore, rows: pl.DataFrame) -> Answered | None:
        """Answer questions; None: the state that they need is not whole.

        Other workers move horizons, fill groups and remove them meanwhile. What was read counts if groups were filled before it was read,
        and none of the rest had happened when it had been read.
        """
        cpu, wall = time.process_time(), time.perf_counter()
        while self.is_filled(store):
            positions = {table: positions_of(store, table) for table in self.spaces}
            reasons = self._reasons(positions, rows)
            refused, kept = (rows.with_columns(reasons.alias(REASON)).filter(each) for each in (reasons.is_not_null(), reasons.is_null()))
            try:
                features = answer(self.plan, store, kept.select(list(self.plan.given)), tables=self.tables) if kept.height else kept
            except AskedBeforeState:  # a horizon has moved since the reasons were looked for
                continue
            if not self.is_filled(store):
                break
            scores = self.bundle.predictor.scores(self.bundle.encoder.encode_frame(features)) if kept.height else np.empty(0)
            took = time.process_time() - cpu, time.perf_counter() - wall
            return Answered(kept.drop(REASON), features, scores, refused, watermarks_of(positions, self.clock.now()), *took)
        return None

    def is_filled(self, store: StateStore) -> bool:
        """Tell whether every group has the rows of every partition: of those too that a store has no position of which lost all."""
        for table, spaces in self.spaces.items():
            partitions = {int(name.rpartition("/")[2]) for name in store.marks(position_prefix(table))}
            if not partitions.issuperset(self.partitions[table]):
                return False
            _, filled = store.read([], [filled_mark(space, partition) for space in spaces for partition in partitions])
            if None in filled:
                return False
        return True

    def _reasons(self, positions: Mapping[str, Sequence[Position]], rows: pl.DataFrame) -> pl.Series:
        """Return why questions are not answered, null where they are."""
        missing = [name for name in self.plan.given if name not in rows.columns]
        if missing:
            return _all(rows, f"the row has no column {missing[0]!r}, which the champion is given")
        reasons = _all(rows, None)
        if self.plan.as_of is None:
            return reasons
        reasons = reasons.set(rows[AS_OF].is_null(), "it is not known what moment the question is asked as of")
        for table in self.dated:
            horizon = table_horizon(positions[table])
            if horizon is not None:
                told = pl.Series([horizon]).cast(pl.Datetime("us", "UTC")).dt.strftime("%Y-%m-%d %H:%M:%S UTC")[0]
                early = (rows[AS_OF] < horizon).fill_null(False) & reasons.is_null()
                reasons = reasons.set(
                    early, f"asked as of a moment before {told}, from when on {table!r} is kept for questions: see history="
                )
        return reasons


def find_champion(workspace: Workspace, model: str) -> ModelVersion | None:
    """Return the version that answers for a model, if there is one."""
    with workspace.ledger.read() as session:
        return models.champion(session, workspace.project.name, model)


def load_champion(workspace: Workspace, lake: Lake, version: ModelVersion, followed: Collection[str]) -> Champion:
    """Return a champion that is ready to answer; `followed` are the tables that are streamed."""
    assert version.bundle_location is not None
    bundle = open_bundle(workspace, version.bundle_location)
    plan = FeaturePlan.from_json(bundle.plan)
    versions = {name: number for name, number in newest_versions(workspace, plan).items() if name not in followed}
    spaces: dict[str, dict[str, None]] = {}
    for layout in slot_layouts(plan).values():
        if layout.table in followed:
            spaces.setdefault(layout.table, {})[layout.space] = None
    return Champion(
        version=version,
        bundle=bundle,
        plan=plan,
        tables={name: _needed(lake, plan, name, number) for name, number in versions.items()},
        versions=versions,
        spaces={table: tuple(found) for table, found in spaces.items()},
        partitions={table: recorded_partitions(workspace, table) for table in spaces},
        clock=workspace.clock,
    )


def is_newest(workspace: Workspace, champion: Champion) -> bool:
    """Tell whether the tables that are not followed are still the newest."""
    newest = newest_versions(workspace, champion.plan)
    return all(newest.get(name) == number for name, number in champion.versions.items())


def positions_of(store: StateStore, table: str) -> list[Position]:
    """Return how far the partitions of a table have been followed."""
    return [read_position(value) for value in store.marks(position_prefix(table)).values()]


def _needed(lake: Lake, plan: FeaturePlan, name: str, version: int) -> pl.LazyFrame:
    """Return what a plan reads of a table, in memory: it is looked into with every micro-batch."""
    columns = dict.fromkeys(column for lookup in plan.lookups if lookup.table == name for column in lookup.columns)
    return lake.tables.scan(name, version).select(*columns, "_arrival").collect().lazy()


def _all(rows: pl.DataFrame, value: str | None) -> pl.Series:
    return pl.Series(REASON, [value], pl.String).new_from_index(0, rows.height)
