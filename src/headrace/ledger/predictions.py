"""Batches of predictions: how many, by which model version, with what measured use, kept where."""

from datetime import datetime

import msgspec
from sqlalchemy import cast, func, select

from headrace.ledger.schema import prediction_batch
from headrace.ledger.session import Session, columns_of


class NewPredictionBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch about to be recorded.

    `source` is serve or file; `location` names the table of the lake, or the file, that holds the predictions.
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
    query = select(prediction_batch).where(prediction_batch.c.project == project).order_by(prediction_batch.c.id.desc()).limit(limit)
    return session.all(PredictionBatch, query if model is None else query.where(prediction_batch.c.model == model))


def totals(session: Session, project: str, model: str | None = None) -> tuple[PredictionTotal, ...]:
    """Return what each model version has predicted and used, served and in files apart, newest version first."""
    table = prediction_batch.c
    # Cast: Postgres adds counts up to a decimal number.
    sums = [cast(func.sum(column), column.type).label(column.name) for column in (table.predictions, table.cpu_seconds, table.wall_seconds)]
    query = select(
        table.model_version_id,
        table.source,
        func.count().label("batches"),
        *sums,
        func.min(table.first).label("first"),
        func.max(table.last).label("last"),
    )
    key = (table.model_version_id, table.source)
    query = query.where(table.project == project).group_by(*key).order_by(table.model_version_id.desc(), table.source)
    return session.all(PredictionTotal, query if model is None else query.where(table.model == model))
