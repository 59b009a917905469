"""The log of predictions: a table of the lake that servers and file predictions append to, and their use and charges in the ledger."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import polars as pl

from headrace.app.recording import catalogue_name
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.core.errors import UserError
from headrace.core.ids import id_time
from headrace.core.moments import microseconds
from headrace.costs.charges import charge
from headrace.costs.prices import Prices
from headrace.costs.usage import Usage
from headrace.lake.tables import Tables
from headrace.ledger import audit, charges, models, predictions
from headrace.ledger.charges import NewCharge
from headrace.ledger.predictions import NewPredictionBatch
from headrace.ledger.store import NothingToWrite
from headrace.serving.records import PredictionBatch, PredictionRecord, UsageWindow

PREDICTIONS = "predictions/log"  # a team's own table may be called predictions
_COMPACT_EVERY = 100
"""After so many commits of the log its small files are made one: looking for a prediction opens each of them."""
SERVED = "serve"
"""The source of what a server answered."""
_LOGGED = "predictions.log"  # what the audit calls a batch that is kept
_CLOCK_DOUBT = timedelta(minutes=1)
_Rows = TypeVar("_Rows", pl.DataFrame, pl.LazyFrame)
_SCHEMA = {
    "id": pl.String(),
    "moment": pl.Datetime("us", "UTC"),
    "as_of": pl.Datetime("us", "UTC"),
    "model": pl.String(),
    "version": pl.String(),
    "source": pl.String(),
    "inputs": pl.String(),
    "features": pl.String(),
    "scores": pl.String(),
    "decision": pl.String(),
    "seconds": pl.Float64(),
    "state": pl.Datetime("us", "UTC"),
    "watermarks": pl.String(),
}


@dataclass(frozen=True)
class Used:
    """Predictions of one model version in a batch, and their share of what the process used."""

    model: str
    version: str
    predictions: int
    cpu_seconds: float
    wall_seconds: float


class LakeSink:
    """Appends batches to the table, then records their use. Idempotent by batch id while the process lives: retries come in order.

    A store may fail after it has kept what it was given, so a batch that is tried again is looked for first.
    """

    def __init__(self, workspace: Workspace, source: str) -> None:
        self._workspace, self._source = workspace, source
        self._tables = lake_of(workspace).tables
        self._tried = self._appended = ""
        self._version = 0
        self._recorded = ""

    def write(self, batch: PredictionBatch) -> None:
        """Keep a batch."""
        self.keep(batch.id, _frame(batch.records, self._source), _shares(batch.records, batch.usage))

    def keep(self, batch_id: str, rows: pl.DataFrame, shares: Sequence[Used]) -> None:
        """Keep a batch as rows of the log."""
        again, self._tried = self._tried == batch_id, batch_id
        if self._appended != batch_id:
            if not self._recorded:  # the first time
                widen_log(self._tables)
            if not (again and find_prediction(self._workspace, rows["id"][0])):
                self._version = self._tables.write(PREDICTIONS, rows, mode="append").version
            self._appended = batch_id
        if self._recorded != batch_id:
            record_use(self._workspace, self._source, batch_id, shares, (rows["moment"][0], rows["moment"][-1]))
            self._recorded = batch_id
            if self._version % _COMPACT_EVERY == 0:  # of several writers one meets that number
                lake_of(self._workspace).upkeep(PREDICTIONS).compact(_COMPACT_EVERY // 2)


def widen_log(tables: Tables) -> None:
    """Add the columns that a log lacks which was begun by an earlier version; what it has is null there."""
    tables.widen(PREDICTIONS, _SCHEMA)


def as_logged(rows: _Rows) -> _Rows:
    """Return rows of the log with all its columns: those that an earlier version wrote have fewer."""
    there = rows.collect_schema()
    return rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in _SCHEMA.items() if name not in there)


def record_use(workspace: Workspace, source: str, batch_id: str, shares: Sequence[Used], between: tuple[datetime, datetime]) -> None:
    """Record the use and the charges of a batch whose first and last predictions were made then, unless they are on record."""
    prices = Prices.load(workspace.settings.prices_file)
    with workspace.ledger.write(workspace.identity.name, _LOGGED, batch_id) as session:
        if any(row.action == _LOGGED for row in audit.entries(session, subject=batch_id)):  # writers take turns: nobody adds it now
            raise NothingToWrite
        for used in shares:
            version = models.find(session, workspace.project.name, used.model, int(used.version))
            if version is None:
                raise UserError(
                    f"the ledger knows no version {used.version} of {used.model!r}.", remedy="Serve from the ledger that trained it."
                )
            predictions.add(session, _batch_row(workspace, version.id, source, used, *between))
            charges.add(session, _charges(workspace, version.id, used, prices))


def find_prediction(workspace: Workspace, prediction_id: str) -> dict[str, Any] | None:
    """Return a logged prediction, or None; the moment in its id says which files to read.

    Raises:
        UserError: if the text is no prediction id.
    """
    try:
        made = id_time(prediction_id)
    except ValueError as error:
        raise UserError(
            f"{prediction_id!r} is not a prediction id.", remedy="It looks like prd_ and 26 letters or digits, as the answer gave it."
        ) from error
    tables = lake_of(workspace).tables
    if tables.version(PREDICTIONS) is None:
        return None
    moment, log = pl.col("moment"), tables.scan(PREDICTIONS)
    # The question of a stream has its id when it comes, and may wait for its answer.
    for near in (moment.is_between(made - _CLOCK_DOUBT, made + _CLOCK_DOUBT), moment > made + _CLOCK_DOUBT):
        rows = log.filter(near & (pl.col("id") == prediction_id)).head(1).collect().to_dicts()
        if rows:
            break
    return {**rows[0], "scores": json.loads(rows[0]["scores"]), "decision": json.loads(rows[0]["decision"])} if rows else None


def _frame(records: Sequence[PredictionRecord], source: str) -> pl.DataFrame:
    """Moments go in as numbers: Polars takes 3 us to read a Python datetime, as long as all the rest of a row."""
    encode = msgspec.json.encode
    columns: Mapping[str, list[object]] = {
        "id": [each.id for each in records],
        "moment": [microseconds(each.moment) for each in records],
        "as_of": [microseconds(each.as_of) for each in records],
        "model": [each.model for each in records],
        "version": [each.version for each in records],
        "source": [source] * len(records),
        "inputs": [each.inputs_json() for each in records],
        "features": [each.features_json() for each in records],
        "scores": [encode(each.scores).decode() for each in records],
        "decision": [encode(each.decision).decode() for each in records],
        "seconds": [each.seconds for each in records],
        "state": [None if each.state is None else microseconds(each.state) for each in records],
        "watermarks": [each.watermarks_json() for each in records],
    }
    return pl.DataFrame(columns, schema=_SCHEMA)


def _shares(records: Sequence[PredictionRecord], usage: UsageWindow) -> list[Used]:
    counts = Counter((each.model, each.version) for each in records)
    return [
        Used(model, version, count, usage.cpu_seconds * count / usage.predictions, usage.wall_seconds * count / usage.predictions)
        for (model, version), count in counts.items()
    ]


def _batch_row(workspace: Workspace, version_id: str, source: str, used: Used, first: datetime, last: datetime) -> NewPredictionBatch:
    return NewPredictionBatch(
        project=workspace.project.name,
        model=used.model,
        model_version_id=version_id,
        source=source,
        predictions=used.predictions,
        cpu_seconds=used.cpu_seconds,
        wall_seconds=used.wall_seconds,
        first=first.astimezone(UTC),
        last=last.astimezone(UTC),
        location=PREDICTIONS,
    )


def _charges(workspace: Workspace, version_id: str, used: Used, prices: Prices) -> list[NewCharge]:
    lines = charge(Usage(cpu_us=round(used.cpu_seconds * 1e6), wall_us=round(used.wall_seconds * 1e6)), prices)
    return [
        NewCharge(
            project=workspace.project.name,
            resource=line.resource,
            quantity=float(line.quantity),
            unit=line.unit,
            unit_price_usd=line.unit_price_usd,
            amount_usd=line.amount_usd,
            catalogue=catalogue_name(prices),
            model=used.model,
            model_version_id=version_id,
        )
        for line in lines
    ]
