"""Judging a version: what a prediction takes, what the gates say, and where the version goes from here."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from headrace.app.bundles import open_bundle
from headrace.app.lifecycle import Job
from headrace.app.models import label
from headrace.app.steps.evaluating import decode_evidence
from headrace.app.steps.features import spine_rows, table_rows
from headrace.app.workspace import Workspace
from headrace.bundles.reading import Bundle
from headrace.core.units import counted
from headrace.costs.charges import per_thousand
from headrace.costs.prices import Prices
from headrace.engine.graph import Output, StepContext
from headrace.expressions.polars_backend import to_polars
from headrace.features.online import OnlineFeatures
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.ledger import evaluations, models
from headrace.ledger.evaluations import GateOutcome
from headrace.ledger.models import ModelVersion
from headrace.ledger.session import Session
from headrace.rollout.evidence import Evidence, GateResult
from headrace.rollout.gates import judge as judge_gates
from headrace.spec.model import Model

MEASURED_PREDICTIONS = 2000
_QUESTIONS = 500


def judge(job: Job, context: StepContext) -> Output:
    """Measure what a prediction takes, judge the gates, and move the version on."""
    model, workspace = job.model, job.workspace
    assert model is not None
    evaluated = context.inputs[f"evaluate:{model.name}"]
    timed = _timed(job, context, context.inputs[f"bundle:{model.name}"]["blob"])
    evidence = timed.added_to(decode_evidence(evaluated["evidence"]), Prices.load(workspace.settings.prices_file))
    outcomes = [outcome_of(result) for result in judge_gates(model.gates, evidence)]
    return settle(workspace, model, evaluated["version"], outcomes)


def outcome_of(result: GateResult) -> GateOutcome:
    """Return what a gate found, as it goes on record."""
    message = result.measured if result.passed else f"{result.measured}; needed {result.needed}"
    return GateOutcome(gate=result.gate, passed=result.passed, message=message, measured=result.details)


def settle(workspace: Workspace, model: Model, version_id: str, outcomes: Sequence[GateOutcome]) -> Output:
    """Record what the gates said, and move the version on."""
    with workspace.ledger.write(workspace.identity.name, "model.judge", version_id) as session:
        said = evaluations.record_gates(session, version_id, outcomes)
        passed = all(each.passed for each in said)
        version = models.get(session, version_id)
        if version.state == models.CANDIDATE:
            version = _move_on(session, version, model, passed)
    failed = [each.gate for each in said if not each.passed]
    told = f"{len(said) - len(failed)} of {counted(len(said), 'gate')} passed" + (f" ({', '.join(failed)} failed)" if failed else "")
    return {"version": version.id, "passed": passed, "summary": f"{label(version)}: {told}; {version.state.replace('_', ' ')}"}


def _move_on(session: Session, version: ModelVersion, model: Model, passed: bool) -> ModelVersion:
    if not passed:
        return models.change_state(session, version.id, models.REJECTED, reason="gates")
    if model.approve is not None:
        return models.change_state(session, version.id, models.AWAITING_APPROVAL)
    models.change_state(session, version.id, models.APPROVED, reason="no approval is asked for")
    return models.promote(session, version.id)


class Timed(NamedTuple):
    """What single predictions through features and model took: the 99th percentile, and the CPU and wall seconds of all of them."""

    p99_ms: float
    cpu_seconds: float
    wall_seconds: float

    def added_to(self, evidence: Evidence, prices: Prices) -> Evidence:
        """Return evidence with that."""
        costs = per_thousand(self.cpu_seconds, self.wall_seconds, MEASURED_PREDICTIONS, prices)
        return msgspec.structs.replace(evidence, latency_p99_ms=self.p99_ms, cost_per_1k_usd=costs.used_usd)


def _timed(job: Job, context: StepContext, blob: str) -> Timed:
    model, workspace = job.model, job.workspace
    assert model is not None
    served = open_bundle(workspace, blob)
    tables = {table.name: table_rows(workspace, table, context.inputs) for table in model.features.tables()}
    return time_predictions(served, spine_rows(workspace, model.features, context.inputs), tables, workspace.clock.now())


def time_predictions(served: Bundle, spine: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], now: datetime) -> Timed:
    """Ask about the newest rows of a spine, one by one; `now`, where the description does not say when it is asked."""
    plan = FeaturePlan.from_json(served.plan)
    questions, asked = _questions(spine, plan)
    moment = asked or now
    features = OnlineFeatures(plan, build_state(plan, tables, moment))
    encode, score = served.encoder.encode_row, served.predictor.score_row
    seconds, cpu = np.empty(MEASURED_PREDICTIONS), time.thread_time()
    for number in range(MEASURED_PREDICTIONS):
        started = time.perf_counter()
        score(encode(features.compute(questions[number % len(questions)], moment)))
        seconds[number] = time.perf_counter() - started
    return Timed(float(np.quantile(seconds, 0.99) * 1e3), time.thread_time() - cpu, float(seconds.sum()))


def _questions(spine: pl.LazyFrame, plan: FeaturePlan) -> tuple[list[dict[str, object]], datetime | None]:
    """Return given values of the newest rows of the spine, and the moment of the newest question."""
    newest = spine.select(list(plan.given)).tail(_QUESTIONS).collect()
    asked = plan.as_of_expression()
    return newest.to_dicts(), newest.select(to_polars(asked, plan.given).max()).item() if asked is not None else None
