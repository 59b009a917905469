"""Verifying features: history replayed through every execution, and what was served held to what batch now says."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from headrace.app.agreement_reports import ONLINE, STREAM, AgreementReport, DifferingValue, PlayedLine, ReplayedFeature, ReplayedModel
from headrace.app.errors import NothingToVerify, NoTimeBetween
from headrace.app.recorded_types import Types, recorded_types
from headrace.app.scratch import scratch
from headrace.app.serving_agreement import served_agreement
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.features.frames import Bounds
from headrace.features.lookups import INGESTED_COLUMN
from headrace.features.parity import FeatureParity, merged
from headrace.features.plan import FeaturePlan
from headrace.features.replaying.replay import Asked, History, Lot, replay
from headrace.features.stores.contract import StateStore
from headrace.features.stores.embedded import EmbeddedStore
from headrace.features.stream.positions import position_prefix, read_position
from headrace.ingest.mapping import known_columns
from headrace.ledger import tables as ledger_tables
from headrace.ledger.tables import TableVersion
from headrace.spec.model import Model
from headrace.spec.tables import INGESTED, Table

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many rows are, and of how many."""
_EXAMPLES = 3


@dataclass(frozen=True)
class Verified:
    """What is to be verified: a model, or all; questions asked as of and predictions made at these moments; at most so many questions."""

    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    rows: int | None = None

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise NoTimeBetween(self.since, self.until)


def verify_features(workspace: Workspace, verified: Verified, progress: Progress) -> AgreementReport:
    """Replay history through batch, stream and online, and hold what was served to what batch now says.

    Raises:
        UnknownName: if there is no such model.
        NothingToVerify: if no run has brought the tables in yet.
    """
    started, project = time.perf_counter(), workspace.project
    models = project.models if verified.model is None else [project.model(verified.model)]
    types = recorded_types(workspace)
    replayed = [_replayed(workspace, model, types, verified, progress) for model in models]
    served = [each for model in models for each in served_agreement(workspace, model.name, verified.since, verified.until, progress)]
    agrees = not any(each.mismatches for each in replayed) and not any(each.unexplained for each in served)
    return AgreementReport(agrees=agrees, models=replayed, served=served, seconds=time.perf_counter() - started)


def first_known(table: Table) -> pl.Expr | None:
    """When something of each of a table's rows first became known; None where that was always so."""
    names = [INGESTED_COLUMN if name == INGESTED else name for name in known_columns(table)]
    return pl.min_horizontal(names) if names else None


def _replayed(workspace: Workspace, model: Model, types: Types, verified: Verified, progress: Progress) -> ReplayedModel:
    started, tables = time.perf_counter(), {table.name: table for table in model.features.tables()}
    versions = {name: _newest(workspace, model, table) for name, table in tables.items()}
    plan = FeaturePlan.build(model.features, types[model.features.spine.name], types)
    scans = {name: lake_of(workspace).tables.scan(name, version.version) for name, version in versions.items()}
    moments = {name: moment for name, table in tables.items() if (moment := first_known(table)) is not None}
    history = History(plan, scans[model.features.spine.name], {name: scans[name] for name in plan.tables}, moments)
    lots = _Sum()
    with scratch(workspace.settings.home) as folder, closing(EmbeddedStore(folder / "state")) as store:
        for lot in replay(history, Asked(verified.since, verified.until, verified.rows), store, Bounds(folder)):
            lots.add(lot)
            progress(f"replay {model.name}", lot.done, lot.total)
        played = [_played(versions[name], store, name in moments) for name in plan.tables]
    return ReplayedModel(
        model=model.name, rows=lots.rows, first=lots.first, last=lots.last, tables=played, features=lots.features(plan),
        seconds=time.perf_counter() - started,
    )  # fmt: skip


def _played(version: TableVersion, store: StateStore, timed: bool) -> PlayedLine:
    rows = sum(read_position(mark).accepted for mark in store.marks(position_prefix(version.name)).values())
    return PlayedLine(table=version.name, version=version.version, rows=rows if timed else None)


def _newest(workspace: Workspace, model: Model, table: Table) -> TableVersion:
    with workspace.ledger.read() as session:
        found = ledger_tables.latest(session, workspace.project.name, table.name)
    if found is None:
        raise NothingToVerify(model.name, table.name)
    return found


class _Sum:
    """All lots together."""

    def __init__(self) -> None:
        self._stream: Sequence[FeatureParity] = ()
        self._online: Sequence[FeatureParity] = ()
        self.rows = 0
        self.first: datetime | None = None
        self.last: datetime | None = None

    def add(self, lot: Lot) -> None:
        self._stream, self._online = merged(self._stream, lot.stream), merged(self._online, lot.online)
        self.rows = lot.done
        self.first, self.last = self.first or lot.first, lot.last or self.last

    def features(self, plan: FeaturePlan) -> list[ReplayedFeature]:
        return [_feature(str(plan.types[one.feature]), one, other) for one, other in zip(self._stream, self._online, strict=True)]


def _feature(dtype: str, stream: FeatureParity, online: FeatureParity) -> ReplayedFeature:
    examples = [
        DifferingValue(execution=name, question=each.question, batch=each.expected, found=each.found)
        for name, parity in ((STREAM, stream), (ONLINE, online))
        for each in parity.examples[:_EXAMPLES]
    ]
    return ReplayedFeature(
        feature=stream.feature, dtype=dtype, rows=stream.rows, nulls=stream.nulls, stream=stream.mismatches, online=online.mismatches,
        worst=max(stream.worst, online.worst), examples=examples,
    )  # fmt: skip
