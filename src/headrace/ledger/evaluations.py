"""What was measured, on which rows, how often the test was looked at, and what the gates said."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headrace.ledger.schema import evaluation, gate_result, metric, test_look
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import matching, selection


class Metric(msgspec.Struct, frozen=True):
    """A measured value with its interval. None where it could not be measured."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None


class NewEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation about to be recorded: of a candidate, on the rows of a split, told by their fingerprint."""

    run_id: str
    model: str
    candidate: str
    split: str
    rows: int
    rows_fingerprint: str
    model_version_id: str | None = None
    metrics: tuple[Metric, ...] = ()
    details: dict[str, Any] = {}


class Evaluation(NewEvaluation, frozen=True, kw_only=True):
    """A recorded evaluation."""

    id: str
    created: datetime


class GateOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate said of a model version; `message` is for people, `measured` the figures it judged by."""

    gate: str
    passed: bool
    message: str
    measured: dict[str, Any] = {}


def record(session: Session, new: NewEvaluation) -> Evaluation:
    """Record an evaluation and its metrics, and return what holds.

    A version is evaluated once on the rows of a split: where a run was killed after it had recorded that and records it again, the first
    holds.
    """
    before = _same(session, new)
    if before is not None:
        session.about(before.id)
        return before
    made = Evaluation(**columns_of(new), id=session.next_id("eva", evaluation), created=session.now)
    session.insert(evaluation, columns_of(made, without=("metrics",)))
    session.insert(metric, *({"evaluation_id": made.id, **columns_of(each)} for each in new.metrics))
    session.about(made.id, candidate=new.candidate, split=new.split, rows=new.rows_fingerprint)
    return made


def _same(session: Session, new: NewEvaluation) -> Evaluation | None:
    if new.model_version_id is None:
        return None
    same = {field: getattr(new, field) for field in ("model_version_id", "candidate", "split", "rows_fingerprint")}
    return next(iter(_evaluations(session, **same)), None)


def of_run(session: Session, run_id: str) -> tuple[Evaluation, ...]:
    """Return the evaluations of a run in the order they were made."""
    return _evaluations(session, run_id=run_id)


def of_version(session: Session, model_version_id: str) -> tuple[Evaluation, ...]:
    """Return the evaluations of a model version in the order they were made."""
    return _evaluations(session, model_version_id=model_version_id)


def _evaluations(session: Session, **which: str) -> tuple[Evaluation, ...]:
    measured: dict[str, list[Metric]] = {}
    metrics = f"{selection(metric)} JOIN evaluation ON metric.evaluation_id = evaluation.id"
    for row in session.rows(matching(metrics, which, "ORDER BY metric.name"), **which):
        measured.setdefault(row.pop("evaluation_id"), []).append(Metric(**row))
    rows = session.rows(matching(selection(evaluation), which, "ORDER BY id"), **which)
    return tuple(Evaluation(**row, metrics=tuple(measured.get(row["id"], ()))) for row in rows)


def record_look(session: Session, test_fingerprint: str, model_version_id: str) -> int:
    """Record that a model version was scored on a test set and return the look's number: 1 for the first version that saw it.

    The same version looking again keeps its number.
    """
    same = "SELECT number FROM test_look WHERE test_fingerprint = :test AND model_version_id = :version"
    known = session.value(same, test=test_fingerprint, version=model_version_id)
    if known is not None:
        return int(known)
    number = looks(session, test_fingerprint) + 1
    row = {
        "test_fingerprint": test_fingerprint,
        "number": number,
        "model_version_id": model_version_id,
        "actor": session.actor,
        "looked": session.now,
    }
    session.insert(test_look, row)
    session.about(model_version_id, test=test_fingerprint, look=number)
    return number


def looks(session: Session, test_fingerprint: str) -> int:
    """Return how many model versions have been scored on a test set."""
    return int(session.value("SELECT count(*) FROM test_look WHERE test_fingerprint = :test", test=test_fingerprint))


def record_gates(session: Session, model_version_id: str, outcomes: Sequence[GateOutcome]) -> tuple[GateOutcome, ...]:
    """Record what the gates said of a model version, in the order of the description, and return what holds.

    They judge a version once: where a run was killed after it had judged and judges again, what was said first holds.
    """
    said = gates_of(session, model_version_id)
    if said:
        session.about(model_version_id)
        return said
    rows: Iterable[dict[str, Any]] = (
        {"model_version_id": model_version_id, "position": position, "judged": session.now, **columns_of(each)}
        for position, each in enumerate(outcomes)
    )
    session.insert(gate_result, *rows)
    session.about(model_version_id, gates={each.gate: each.passed for each in outcomes})
    return tuple(outcomes)


def gates_of(session: Session, model_version_id: str) -> tuple[GateOutcome, ...]:
    """Return what the gates said of a model version, in the order of the description."""
    said = "SELECT gate, passed, message, measured FROM gate_result WHERE model_version_id = :version ORDER BY position"
    return session.all(GateOutcome, said, version=model_version_id)
