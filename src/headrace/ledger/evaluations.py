"""What was measured, on which rows, how often the test was looked at, and what the gates said."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import and_, func, select

from headrace.ledger.schema import evaluation, gate_result, metric, test_look
from headrace.ledger.session import Session, columns_of


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
    same = (evaluation.c[field] == getattr(new, field) for field in ("model_version_id", "candidate", "split", "rows_fingerprint"))
    return next(iter(_evaluations(session, and_(*same))), None)


def of_run(session: Session, run_id: str) -> tuple[Evaluation, ...]:
    """Return the evaluations of a run in the order they were made."""
    return _evaluations(session, evaluation.c.run_id == run_id)


def of_version(session: Session, model_version_id: str) -> tuple[Evaluation, ...]:
    """Return the evaluations of a model version in the order they were made."""
    return _evaluations(session, evaluation.c.model_version_id == model_version_id)


def _evaluations(session: Session, which: Any) -> tuple[Evaluation, ...]:
    measured: dict[str, list[Metric]] = {}
    for row in session.execute(
        select(metric).join(evaluation, metric.c.evaluation_id == evaluation.c.id).where(which).order_by(metric.c.name)
    ):
        measured.setdefault(row.evaluation_id, []).append(Metric(row.name, row.value, row.low, row.high))
    rows = session.execute(select(evaluation).where(which).order_by(evaluation.c.id))
    return tuple(Evaluation(**row._mapping, metrics=tuple(measured.get(row.id, ()))) for row in rows)


def record_look(session: Session, test_fingerprint: str, model_version_id: str) -> int:
    """Record that a model version was scored on a test set and return the look's number: 1 for the first version that saw it.

    The same version looking again keeps its number.
    """
    same = test_look.c.test_fingerprint == test_fingerprint
    known = session.execute(select(test_look.c.number).where(same, test_look.c.model_version_id == model_version_id)).scalar()
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
    return int(session.execute(select(func.count()).where(test_look.c.test_fingerprint == test_fingerprint)).scalar_one())


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
    columns = [gate_result.c[field] for field in GateOutcome.__struct_fields__]
    return session.all(
        GateOutcome, select(*columns).where(gate_result.c.model_version_id == model_version_id).order_by(gate_result.c.position)
    )
