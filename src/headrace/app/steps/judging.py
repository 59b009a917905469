"""Judging a version: what a prediction takes, what the gates say, and where the version goes from here."""

import time
from datetime import datetime

import msgspec
import numpy as np

from headrace.app.bundles import open_bundle
from headrace.app.lifecycle import Job
from headrace.app.models import label
from headrace.app.steps.evaluating import decode_evidence
from headrace.app.steps.features import Inputs, spine_rows, table_rows
from headrace.app.workspace import Workspace
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
from headrace.rollout.gates import judge as judge_gates
from headrace.spec.model import Model

MEASURED_PREDICTIONS = 2000
_QUESTIONS = 500


def judge(job: Job, context: StepContext) -> Output:
    """Measure what a prediction takes, judge the gates, and move the version on."""
    model, workspace = job.model, job.workspace
    assert model is not None
    evaluated = context.inputs[f"evaluate:{model.name}"]
    p99_ms, cpu_seconds, wall_seconds = _time_predictions(job, context, context.inputs[f"bundle:{model.name}"]["blob"])
    costs = per_thousand(cpu_seconds, wall_seconds, MEASURED_PREDICTIONS, Prices.load(workspace.settings.prices_file))
    evidence = msgspec.structs.replace(decode_evidence(evaluated["evidence"]), latency_p99_ms=p99_ms, cost_per_1k_usd=costs.used_usd)
    results = judge_gates(model.gates, evidence)
    outcomes = [
        GateOutcome(
            gate=result.gate,
            passed=result.passed,
            message=result.measured if result.passed else f"{result.measured}; needed {result.needed}",
            measured=result.details,
        )
        for result in results
    ]
    with workspace.ledger.write(workspace.identity.name, "model.judge", evaluated["version"]) as session:
        said = evaluations.record_gates(session, evaluated["version"], outcomes)
        passed = all(each.passed for each in said)
        version = models.get(session, evaluated["version"])
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


def _time_predictions(job: Job, context: StepContext, blob: str) -> tuple[float, float, float]:
    """Return the 99th percentile in milliseconds, and the CPU and wall seconds, of single predictions through features and model."""
    model, workspace = job.model, job.workspace
    assert model is not None
    served = open_bundle(workspace, blob)
    plan = FeaturePlan.from_json(served.plan)
    questions, moment = _questions(workspace, model, plan, context.inputs)
    tables = {table.name: table_rows(workspace, table, context.inputs) for table in model.features.tables()}
    features = OnlineFeatures(plan, build_state(plan, tables, moment))
    encode, score = served.encoder.encode_row, served.predictor.score_row
    seconds, cpu = np.empty(MEASURED_PREDICTIONS), time.thread_time()
    for number in range(MEASURED_PREDICTIONS):
        started = time.perf_counter()
        score(encode(features.compute(questions[number % len(questions)], moment)))
        seconds[number] = time.perf_counter() - started
    return float(np.quantile(seconds, 0.99) * 1e3), time.thread_time() - cpu, float(seconds.sum())


def _questions(workspace: Workspace, model: Model, plan: FeaturePlan, inputs: Inputs) -> tuple[list[dict[str, object]], datetime]:
    """Return given values of the newest rows of the spine, and the moment of the newest question."""
    newest = spine_rows(workspace, model.features, inputs).select(list(plan.given)).tail(_QUESTIONS).collect()
    asked = plan.as_of_expression()
    moment = newest.select(to_polars(asked, plan.given).max()).item() if asked is not None else None
    return newest.to_dicts(), moment or workspace.clock.now()
