"""What the ledger names of what the lake keeps: where it is found out what nothing needs any more."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select

from headrace.ledger.landing import Landing
from headrace.ledger.models import ModelVersion
from headrace.ledger.runs import RUNNING
from headrace.ledger.schema import landing, memo, model_input, model_version, prediction_batch, run, step, table_version
from headrace.ledger.session import Session
from headrace.ledger.tables import TableVersion

_BATCH = 500  # parameters in one statement; stores cap them


class Remembered(NamedTuple):
    """What a step gave, by its fingerprint, and when a run last used it."""

    fingerprint: str
    output: dict[str, Any]
    used: datetime


def projects(session: Session) -> tuple[str, ...]:
    """Return the names of all projects that ever ran or landed something."""
    names = {row.project for table in (run, landing) for row in session.execute(select(table.c.project).distinct())}
    return tuple(sorted(names))


def remembered(session: Session, project: str) -> tuple[list[Remembered], list[Remembered]]:
    """Return what steps gave, of the project and of the others. A step that was killed before it was recorded counts as another's."""
    used = _fingerprints(session, project)
    alone = projects(session) in ((), (project,))
    mine: list[Remembered] = []
    others: list[Remembered] = []
    for row in session.execute(select(memo.c.fingerprint, memo.c.output, memo.c.saved)):
        is_mine = row.fingerprint in used or alone
        (mine if is_mine else others).append(Remembered(row.fingerprint, row.output, max(row.saved, used.get(row.fingerprint, row.saved))))
    return mine, others


def _fingerprints(session: Session, project: str) -> dict[str, datetime]:
    query = select(step.c.fingerprint, func.max(step.c.finished).label("used")).join(run, run.c.id == step.c.run_id)
    found = session.execute(query.where(run.c.project == project).group_by(step.c.fingerprint))
    return {row.fingerprint: row.used for row in found}


def running(session: Session) -> list[dict[str, Any]]:
    """Return what the steps of runs gave that have not ended, of every project: they may go on."""
    query = select(step.c.output).join(run, run.c.id == step.c.run_id).where(run.c.state == RUNNING)
    return [row.output for row in session.execute(query)]


def all_table_versions(session: Session, project: str) -> tuple[TableVersion, ...]:
    """Return every table version of a project without its profile, newest first."""
    columns = [each for each in table_version.c if each.name != "profile"]
    return session.all(TableVersion, select(*columns).where(table_version.c.project == project).order_by(table_version.c.id.desc()))


def all_model_versions(session: Session) -> tuple[ModelVersion, ...]:
    """Return every model version of every project."""
    return session.all(ModelVersion, select(model_version).order_by(model_version.c.id))


def all_inputs(session: Session) -> dict[str, frozenset[str]]:
    """Return the ids of the table versions that each model version was made from, by its id."""
    found: dict[str, set[str]] = {}
    for row in session.execute(select(model_input)):
        found.setdefault(row.model_version_id, set()).add(row.table_version_id)
    return {version: frozenset(inputs) for version, inputs in found.items()}


def last_predictions(session: Session, project: str) -> dict[str, datetime]:
    """Return when each model version predicted last, by its id."""
    query = select(prediction_batch.c.model_version_id, func.max(prediction_batch.c.last).label("last"))
    found = session.execute(query.where(prediction_batch.c.project == project).group_by(prediction_batch.c.model_version_id))
    return {row.model_version_id: row.last for row in found}


def all_landings(session: Session) -> tuple[Landing, ...]:
    """Return every answer that was landed, of every project, oldest first."""
    return session.all(Landing, select(landing).order_by(landing.c.id))


def forget(session: Session, fingerprints: Iterable[str]) -> None:
    """Forget what steps gave: they are made again when a description asks for them. It is no record, only a saving."""
    waiting = iter(fingerprints)
    while some := tuple(islice(waiting, _BATCH)):
        session.execute(delete(memo).where(memo.c.fingerprint.in_(some)))
