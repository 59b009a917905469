"""What the ledger names of what the lake keeps: where it is found out what nothing needs any more."""

from collections.abc import Iterable
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from headrace.ledger.landing import Landing
from headrace.ledger.models import ModelVersion
from headrace.ledger.schema import landing, model_version, table_version
from headrace.ledger.session import Session
from headrace.ledger.statements import listed, selection
from headrace.ledger.tables import TableVersion

_BATCH = 500  # parameters in one statement; stores cap them


class Remembered(NamedTuple):
    """What a step gave, by its fingerprint, and when a run last used it."""

    fingerprint: str
    output: dict[str, Any]
    used: datetime


def projects(session: Session) -> tuple[str, ...]:
    """Return the names of all projects that ever ran or landed something."""
    found = session.rows("SELECT project FROM run UNION SELECT project FROM landing")
    return tuple(sorted(row["project"] for row in found))


def remembered(session: Session, project: str) -> tuple[list[Remembered], list[Remembered]]:
    """Return what steps gave, of the project and of the others. A step that was killed before it was recorded counts as another's."""
    used = _fingerprints(session, project)
    alone = projects(session) in ((), (project,))
    mine: list[Remembered] = []
    others: list[Remembered] = []
    for row in session.rows("SELECT fingerprint, output, saved FROM memo"):
        fingerprint, saved = row["fingerprint"], row["saved"]
        is_mine = fingerprint in used or alone
        (mine if is_mine else others).append(Remembered(fingerprint, row["output"], max(saved, used.get(fingerprint, saved))))
    return mine, others


def _fingerprints(session: Session, project: str) -> dict[str, datetime]:
    found = session.rows(
        "SELECT step.fingerprint, max(step.finished) AS finished FROM step JOIN run ON run.id = step.run_id"
        " WHERE run.project = :project GROUP BY step.fingerprint",
        project=project,
    )
    return {row["fingerprint"]: row["finished"] for row in found}


def running(session: Session) -> list[dict[str, Any]]:
    """Return what the steps of runs gave that have not ended, of every project: they may go on."""
    found = session.rows("SELECT step.output FROM step JOIN run ON run.id = step.run_id WHERE run.state = 'running'")
    return [row["output"] for row in found]


def all_table_versions(session: Session, project: str) -> tuple[TableVersion, ...]:
    """Return every table version of a project without its profile, newest first."""
    mine = f"{selection(table_version, without='profile')} WHERE project = :project ORDER BY id DESC"
    return session.all(TableVersion, mine, project=project)


def all_model_versions(session: Session) -> tuple[ModelVersion, ...]:
    """Return every model version of every project."""
    return session.all(ModelVersion, f"{selection(model_version)} ORDER BY id")


def all_inputs(session: Session) -> dict[str, frozenset[str]]:
    """Return the ids of the table versions that each model version was made from, by its id."""
    found: dict[str, set[str]] = {}
    for row in session.rows("SELECT model_version_id, table_version_id FROM model_input"):
        found.setdefault(row["model_version_id"], set()).add(row["table_version_id"])
    return {version: frozenset(inputs) for version, inputs in found.items()}


def last_predictions(session: Session, project: str) -> dict[str, datetime]:
    """Return when each model version predicted last, by its id."""
    last = "SELECT model_version_id, max(last) AS last FROM prediction_batch WHERE project = :project GROUP BY model_version_id"
    return {row["model_version_id"]: row["last"] for row in session.rows(last, project=project)}


def all_landings(session: Session) -> tuple[Landing, ...]:
    """Return every answer that was landed, of every project, oldest first."""
    return session.all(Landing, f"{selection(landing)} ORDER BY id")


def forget(session: Session, fingerprints: Iterable[str]) -> None:
    """Forget what steps gave: they are made again when a description asks for them. It is no record, only a saving."""
    waiting = iter(fingerprints)
    while some := tuple(islice(waiting, _BATCH)):
        condition, values = listed("fingerprint", some)
        session.run(" ".join(("DELETE FROM memo WHERE", condition)), **values)
