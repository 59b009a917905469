"""Batches of predictions: how many, by which model version, with what measured use, kept where."""

from datetime import datetime

import msgspec

from headrace.ledger.schema import prediction_batch
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import matching, selection

# Cast: Postgres adds counts up to a decimal number.
_TOTALS = """
SELECT model_version_id, source, count(*) AS batches, CAST(sum(predictions) AS BIGINT) AS predictions,
    sum(cpu_seconds) AS cpu_seconds, sum(wall_seconds) AS wall_seconds, min(first) AS first, max(last) AS last
FROM prediction_batch
"""


class NewPredictionBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch about to be recorded.

    `source` is serve, file or stream; `location` names the table of the lake, or the file, that holds the predictions.
    """

    project: str
    model: str
    model_version_id: str
    source: str
    predictions: int
    cpu_seconds: float
    wall_seconds: float
    first: datetime
    last: datetime
    location: str = ""


class PredictionBatch(NewPredictionBatch, frozen=True, kw_only=True):
    """A recorded batch."""

    id: str
    recorded: datetime


class PredictionTotal(msgspec.Struct, frozen=True, kw_only=True):
    """All predictions of a model version from one kind of source."""

    model_version_id: str
    source: str
    batches: int
    predictions: int
    cpu_seconds: float
    wall_seconds: float
    first: datetime
    last: datetime


def add(session: Session, new: NewPredictionBatch) -> PredictionBatch:
    """Record a batch."""
    made = PredictionBatch(**columns_of(new), id=session.new_id("bat"), recorded=session.now)
    session.insert(prediction_batch, columns_of(made))
    session.about(made.id, model_version=new.model_version_id, predictions=new.predictions)
    return made


def list_batches(session: Session, project: str, model: str | None = None, *, limit: int = 20) -> tuple[PredictionBatch, ...]:
    """Return batches, newest first."""
    mine = {"project": project, "model": model}
    newest = matching(selection(prediction_batch), mine, "ORDER BY id DESC LIMIT :limit")
    return session.all(PredictionBatch, newest, **mine, limit=limit)


def totals(session: Session, project: str, model: str | None = None) -> tuple[PredictionTotal, ...]:
    """Return what each model version has predicted and used, served and in files apart, newest version first."""
    mine = {"project": project, "model": model}
    by_version = "GROUP BY model_version_id, source ORDER BY model_version_id DESC, source"
    return session.all(PredictionTotal, matching(_TOTALS, mine, by_version), **mine)
