"""What the services answer: frozen values that every face can print or send as JSON. Money is text, so that no digit is lost."""

from datetime import datetime
from typing import Any

import msgspec

from headrace.ingest.finding import Finding


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of a service."""


class MeasuredLine(Report, frozen=True, kw_only=True):
    """A metric with its interval (percentile bootstrap)."""

    metric: str
    value: float | None
    low: float | None
    high: float | None


class PieceLine(Report, frozen=True, kw_only=True):
    """Some rows in the order of their questions: when the first was asked, and the metric on them."""

    asked: datetime | None
    rows: int
    value: float | None


class ProgressiveLine(Report, frozen=True, kw_only=True):
    """How well a candidate that learns row by row answered each row before its answer was known. `unlearned` rows came before it had
    learnt anything, and are not measured; `waited_seconds` is the median of the time from a question to its answer."""

    metric: str
    value: float | None
    rows: int
    unlearned: int
    waited_seconds: float | None
    pieces: list[PieceLine]


class CandidateLine(Report, frozen=True, kw_only=True):
    """A candidate as it did on the validation rows."""

    name: str
    measured: MeasuredLine
    trials: int
    seconds: float
    chosen: bool
    progressive: ProgressiveLine | None = None


class GateLine(Report, frozen=True, kw_only=True):
    """A gate's judgement."""

    gate: str
    passed: bool
    message: str


class ApprovalLine(Report, frozen=True, kw_only=True):
    """A person's approval."""

    identity: str
    role: str
    comment: str
    given: datetime


class LearntInStream(Report, frozen=True, kw_only=True):
    """What a version had learnt in a stream: `rows` in all, `rows_since` since the snapshot before, at `since`, up to the moment `clock`;
    `unasked` of these without having been asked about them. It went on from the version `began_from`."""

    began_from: str
    number: int
    since: datetime
    clock: datetime
    rows: int
    rows_since: int
    unasked: int


class ModelReport(Report, frozen=True, kw_only=True):
    """A version of a model: how it was chosen, measured and judged.

    `test` is measured on sealed test rows; of a version that was `learnt` in a stream, on questions that were asked before their answers
    were learnt.
    """

    model: str
    version: str
    state: str
    run_id: str
    candidate: str
    task: str
    test: list[MeasuredLine]
    test_rows: int
    looks: int
    threshold: float | None
    candidates: list[CandidateLine]
    gates: list[GateLine]
    approvals: list[ApprovalLine]
    next_step: str
    served_features: str | None = None
    """What it learned from, where that was features as they were served; None: they were computed from history."""
    learnt: LearntInStream | None = None
    """What it had learnt, where that was in a stream; None: a run has trained it."""


class StepLine(Report, frozen=True, kw_only=True):
    """A step as it ended."""

    name: str
    outcome: str
    seconds: float
    summary: str


class RunReport(Report, frozen=True, kw_only=True):
    """A run as it ended. Without an id, nothing was to be done and none was started."""

    run_id: str | None
    actor: str
    seconds: float
    steps: list[StepLine]
    models: list[ModelReport]
    cost_usd: str
    notes: list[str] = []


class RunLine(Report, frozen=True, kw_only=True):
    """A run in a list. `state` is the recorded one; `told` differs where a run was killed and could not record it: interrupted.

    `kind` is `run`, or `stream` for one that made a version of what a stream had learnt.
    """

    run_id: str
    kind: str = "run"
    state: str
    told: str
    actor: str
    started: datetime
    finished: datetime | None
    cost_usd: str
    error: str | None


class TableLine(Report, frozen=True, kw_only=True):
    """A table's newest version."""

    name: str
    version: int
    rows: int
    quarantined: int
    duplicates: int
    made: datetime


class TableReport(Report, frozen=True, kw_only=True):
    """A table's newest version with its contract and profile; `notes` say how its rows came together, such as files without a column."""

    line: TableLine
    location: str
    types: dict[str, str]
    rules: list[dict[str, Any]]
    profile: dict[str, Any]
    findings: list[Finding] = []
    notes: list[str] = []
    freed: str | None = None


class FeatureLine(Report, frozen=True, kw_only=True):
    """A feature's value and what it added to the score; whether it was older than it may be, and how old, if that was known."""

    name: str
    value: Any
    contribution: float | None
    stale: bool = False
    staleness_seconds: float | None = None


class WhyReport(Report, frozen=True, kw_only=True):
    """A prediction, walked back to everything it came from."""

    prediction_id: str
    predicted: datetime
    as_of: datetime | None
    source: str
    score: Any
    decision: Any
    inputs: dict[str, Any]
    features: list[FeatureLine]
    contribution_unit: str
    bias: float | None
    model: ModelReport
    code: str
    run_started: datetime
    run_actor: str
    tables: list[TableLine]
    training_cost_usd: str
    per_thousand_usd: str | None
    state: datetime | None = None
    """The moment of the published state that it was answered from, where that is known and there was one."""
    watermarks: dict[str, datetime | None] = {}
    """Until when the streamed tables were known that it was answered from."""


class CostLine(Report, frozen=True, kw_only=True):
    """What something cost."""

    name: str
    amount_usd: str
    detail: str


class ServedCost(Report, frozen=True, kw_only=True):
    """What predictions of a model version cost, as measured where they were made."""

    version: str
    source: str
    predictions: int
    cpu_seconds: float
    per_thousand_usd: str | None


class CostReport(Report, frozen=True, kw_only=True):
    """What a project cost, and at which prices."""

    total_usd: str
    by: str
    lines: list[CostLine]
    served: list[ServedCost]
    catalogue: str


class AuditReport(Report, frozen=True, kw_only=True):
    """Whether the audit chain is whole."""

    rows: int
    head: str
    whole: bool
    reason: str


class UpgradeReport(Report, frozen=True, kw_only=True):
    """What was done, or would be, to bring a ledger to this version; `found` is None where there is none yet."""

    ledger: str
    found: str | None
    head: str
    migrations: list[str]
    done: bool


class PlanReport(Report, frozen=True, kw_only=True):
    """What a run would do."""

    to_run: list[str]
    unchanged: int
    asks: list[str] = []
    streamed: list[str] = []


class PredictReport(Report, frozen=True, kw_only=True):
    """A file that was predicted."""

    version: str
    rows: int
    output: str


class PublishedState(Report, frozen=True, kw_only=True):
    """The feature state of a model version, as servers read it."""

    version: str
    as_of: datetime
    folder: str
    size_bytes: int


class TokenReport(Report, frozen=True, kw_only=True):
    """A token that was made, which is seen here and nowhere again, or how many were revoked."""

    member: str
    token: str | None = None
    revoked: int = 0


class ServingEvent(Report, frozen=True, kw_only=True):
    """What a server tells whoever started it: `model` for each model it serves, then `serving` with its address, in the end `stopped`.

    `as_of` is the moment of the model's published state, if it reads one; `streamed` are the tables that it reads as streams bring them.
    """

    event: str
    version: str | None = None
    candidate: str | None = None
    as_of: datetime | None = None
    streamed: list[str] = []
    url: str | None = None


class ApprovalReport(Report, frozen=True, kw_only=True):
    """An approval and how many are still missing."""

    version: str
    identity: str
    missing: int


class GcLine(Report, frozen=True, kw_only=True):
    """Something that nothing needs: how much of it, and by which rule it goes."""

    what: str
    count: int
    size_bytes: int
    why: str


class GcReport(Report, frozen=True, kw_only=True):
    """What collecting freed, or would free: `freed` tells which. `needed` counts what stays, by what needs it."""

    freed: bool
    lines: list[GcLine]
    size_bytes: int
    needed: dict[str, int]
    notes: list[str] = []


class CheckLine(Report, frozen=True, kw_only=True):
    """What a check of the home found, and what to do about it. `mended` says that it was wrong until now."""

    check: str
    well: bool
    finding: str
    remedy: str = ""
    mended: bool = False


class DoctorReport(Report, frozen=True, kw_only=True):
    """Whether a project's home is whole, check by check."""

    project: str
    whole: bool
    checks: list[CheckLine]
