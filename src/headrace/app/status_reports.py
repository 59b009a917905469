"""How a project and its streams stand: frozen values that every face can print or send as JSON."""

from datetime import datetime

import msgspec

from headrace.app.reports import ModelReport, Report, RunLine, TableLine


class FollowedPartition(Report, frozen=True, kw_only=True):
    """How far a partition of a streamed table was followed.

    `next` is the message that comes next, `in_lake` the one up to which the lake has the rows; `behind` is None while that is not known.
    `why` says why there is no watermark.
    """

    partition: int
    next: int
    in_lake: int
    behind: int | None
    watermark: datetime | None
    why: str
    committed: datetime | None
    accepted: int
    late: int
    duplicates: int
    quarantined: int


class WorkerLine(Report, frozen=True, kw_only=True):
    """A worker that follows a table. `alive`: it gave a sign not long ago; one that was killed gives none."""

    host: str
    process: int
    started: datetime
    seen: datetime
    partitions: list[int]
    alive: bool


class FollowedTable(Report, frozen=True, kw_only=True):
    """How a streamed table stands. `newest` is that of the rows which the lake has, as the ledger knows it. `trouble`: what
    could not be asked."""

    table: str
    source: str
    watermark: datetime | None
    why: str
    behind: int | None
    accepted: int
    late: int
    duplicates: int
    quarantined: int
    newest: datetime | None
    recorded: datetime | None
    committed: datetime | None
    partitions: list[FollowedPartition]
    workers: list[WorkerLine]
    trouble: str = ""


class AskedModel(Report, frozen=True, kw_only=True):
    """The questions of a model that answers rows as they come, since it was first asked. `version` is who answers now."""

    model: str
    spine: str
    version: str | None
    to: list[str]
    asked: int
    answered: int
    refused: int
    waiting: int
    trouble: str = ""


class StatusReport(Report, frozen=True, kw_only=True):
    """A project at a glance."""

    project: str
    home: str
    tables: list[TableLine]
    models: list[ModelReport]
    last_runs: list[RunLine]
    cost_usd: str
    streams: list[FollowedTable] = msgspec.field(default_factory=list)
    asked: list[AskedModel] = msgspec.field(default_factory=list)
