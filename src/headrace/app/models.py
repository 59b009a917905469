"""A model's version as the services tell of it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from headrace.app.learning.facts import snapshot_of
from headrace.app.log_facts import LOG, LogFacts
from headrace.app.reports import (
    ApprovalLine,
    CandidateLine,
    GateLine,
    LearntInStream,
    MeasuredLine,
    ModelReport,
    PieceLine,
    ProgressiveLine,
)
from headrace.ledger import approvals, evaluations, models
from headrace.ledger.evaluations import Evaluation
from headrace.ledger.models import ModelVersion
from headrace.ledger.session import Session
from headrace.spec.project import Project
from headrace.training.online.measured import PROGRESSIVE, Progressive


def label(version: ModelVersion) -> str:
    """Return what people call a version: `late@3`."""
    return f"{version.model}@{version.number}"


def began_from(session: Session, version: ModelVersion) -> ModelVersion:
    """Return the version that a run has trained: the one that a stream went on from, or the version itself."""
    found = snapshot_of(version.details)
    trained = models.find(session, version.project, version.model, int(found.parent.rpartition("@")[2])) if found else None
    return trained or version


def model_report(session: Session, project: Project, version: ModelVersion) -> ModelReport:
    """Return how a version was chosen, measured and judged."""
    details = version.details
    measured = evaluations.of_version(session, version.id)
    test = next((each for each in measured if each.split in ("test", PROGRESSIVE)), None)
    return ModelReport(
        model=version.model,
        version=label(version),
        state=version.state,
        run_id=version.run_id,
        candidate=version.candidate,
        task=version.task,
        test=_lines(test, details["metric"]) if test else [],
        test_rows=test.rows if test else 0,
        looks=test.details["look"] if test else 0,
        threshold=details.get("threshold"),
        candidates=[_candidate(each, version) for each in details["candidates"]],
        gates=[GateLine(gate=gate.gate, passed=gate.passed, message=gate.message) for gate in evaluations.gates_of(session, version.id)],
        approvals=[
            ApprovalLine(identity=each.identity, role=each.role, comment=each.comment, given=each.given)
            for each in approvals.of_version(session, version.id)
        ],
        next_step=_next_step(session, project, version),
        served_features=str(msgspec.convert(details[LOG], LogFacts)) if LOG in details else None,
        learnt=_learnt(details),
    )


def _learnt(details: Mapping[str, Any]) -> LearntInStream | None:
    found = snapshot_of(details)
    if found is None:
        return None
    return LearntInStream(
        began_from=found.parent,
        number=found.number,
        since=found.since,
        clock=found.clock,
        rows=found.learned,
        rows_since=found.learned_since,
        unasked=found.unasked,
    )


def _lines(evaluation: Evaluation, first: str) -> list[MeasuredLine]:
    ranked = sorted(evaluation.metrics, key=lambda metric: metric.name != first)
    return [MeasuredLine(metric=each.name, value=each.value, low=each.low, high=each.high) for each in ranked]


def _candidate(facts: dict[str, object], version: ModelVersion) -> CandidateLine:
    measured = facts["measured"]
    assert isinstance(measured, dict)
    return CandidateLine(
        name=str(facts["name"]),
        measured=MeasuredLine(metric=version.details["metric"], **measured),
        trials=int(str(facts["trials"])),
        seconds=float(str(facts["seconds"])),
        chosen=facts["name"] == version.candidate,
        progressive=_progressive(facts.get(PROGRESSIVE), version.details["metric"]),
    )


def _progressive(facts: object, metric: str) -> ProgressiveLine | None:
    if facts is None:
        return None
    found = msgspec.convert(facts, Progressive)
    return ProgressiveLine(
        metric=metric,
        value=found.metrics.get(metric),
        rows=found.rows,
        unlearned=found.unlearned,
        waited_seconds=found.waited_seconds,
        pieces=[PieceLine(asked=each.asked, rows=each.rows, value=each.metrics.get(metric)) for each in found.pieces],
    )


def _after_rejection(session: Session, version: ModelVersion) -> str:
    told = "It did not pass its gates, and is not served."
    if snapshot_of(version.details):
        return f"{told} The stream goes on learning."
    lost = [gate.gate for gate in evaluations.gates_of(session, version.id) if not gate.passed]
    if lost != ["beats champion"]:
        return told
    return f"{told} If the champion saw what it should not have, take hr.gate.beats('champion') out of the gates for one run."


def _next_step(session: Session, project: Project, version: ModelVersion) -> str:
    if version.state == models.CHAMPION:
        return "It is the champion. Serve it: headrace serve"
    if version.state == models.REJECTED:
        return _after_rejection(session, version)
    if version.state == models.RETIRED:
        return "A later version took its place."
    if version.state != models.AWAITING_APPROVAL:
        return "It is not judged yet: " + ("headrace stream" if snapshot_of(version.details) else "headrace run")
    rule = project.model(version.model).approve if version.model in [model.name for model in project.models] else None
    missing = max(0, (rule.count if rule else 1) - len(approvals.of_version(session, version.id)))
    who = f"{missing} with the role {rule.role!r}" if rule else "someone"
    return f"It waits for the approval of {who}, other than who ran it: headrace approve {version.model} --comment 'why'"
