"""Why: from a prediction back to everything it came from."""

import json
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from headrace.app.bundles import open_bundle
from headrace.app.costing import served_costs
from headrace.app.errors import BytesFreed, UnknownPrediction
from headrace.app.looking import table_line
from headrace.app.models import began_from, model_report
from headrace.app.prediction_table import PREDICTIONS, find_prediction
from headrace.app.reports import FeatureLine, WhyReport
from headrace.app.workspace import Workspace
from headrace.bundles.reading import Bundle
from headrace.core.ids import id_time
from headrace.costs.prices import Prices
from headrace.expressions import DType
from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.plan import STALE
from headrace.ledger import charges, freed, models, runs

_UNITS = {"binary": "log-odds", "multiclass": "the decided class's score", "regression": "the prediction's own unit"}


def why(workspace: Workspace, prediction_id: str) -> WhyReport:
    """Walk a prediction back: inputs, features and what each added, model, run, code, data, approvals, cost.

    Raises:
        UnknownPrediction: if no log of the project holds it.
        BytesFreed: if a retention rule freed it, or the bundle of the version that made it.
    """
    row = find_prediction(workspace, prediction_id)
    if row is None:
        _raise_if_expired(workspace, prediction_id)
        raise UnknownPrediction(prediction_id, f"the table {PREDICTIONS!r} of the project {workspace.project.name!r} does not hold it")
    prices = Prices.load(workspace.settings.prices_file)
    with workspace.ledger.read() as session:
        version = models.find(session, workspace.project.name, row["model"], int(row["version"]))
        assert version is not None
        run = runs.get(session, version.run_id)
        trained = runs.get(session, began_from(session, version).run_id)
        tables = [table_line(table) for table in models.table_versions(session, version.id)]
        report = model_report(session, workspace.project, version)
        ids = dict.fromkeys((trained.id, run.id))
        spent = [each for id_ in ids for each in charges.totals(session, "run", project=version.project, run_id=id_)]
        costs = served_costs(session, workspace.project.name, prices, version.id)
    assert version.bundle_location is not None
    bundle = open_bundle(workspace, version.bundle_location)
    values = json.loads(row["features"])
    features, bias = _contributions(bundle, values, row["scores"])
    stale = values.get(STALE, {})
    features = [_with_age(line, stale) for line in features]
    commit = trained.details.get("commit")
    return WhyReport(
        prediction_id=prediction_id,
        predicted=row["moment"],
        as_of=row["as_of"],
        source=row["source"],
        score=_score(bundle, row["scores"]),
        decision=row["decision"],
        inputs=json.loads(row["inputs"]),
        features=features,
        contribution_unit=_UNITS[version.task],
        bias=bias,
        model=report,
        code=f"description {trained.code[:16]}" + (f", commit {commit}" if commit else ""),
        run_started=run.started,
        run_actor=run.actor,
        tables=tables,
        training_cost_usd=str(sum(total.amount_usd for total in spent)),
        per_thousand_usd=next((each.per_thousand_usd for each in costs if each.source == row["source"]), None),
        state=row.get("state"),
        watermarks=msgspec.json.decode(row.get("watermarks") or "{}", type=dict[str, datetime | None]),
    )


def _raise_if_expired(workspace: Workspace, prediction_id: str) -> None:
    with workspace.ledger.read() as session:
        record = freed.find(session, workspace.project.name, freed.PREDICTIONS, PREDICTIONS)
    if record is not None and id_time(prediction_id) < datetime.fromisoformat(record.details["before"]):
        remedy = "How many there were, by which version, and what they cost is still on record: headrace cost."
        raise BytesFreed("predictions that old were", record.freed, record.rule, remedy)


def _score(bundle: Bundle, scores: list[float]) -> float | dict[str, float]:
    return scores[0] if len(scores) == 1 else dict(zip(bundle.manifest.classes, scores, strict=True))


def _contributions(bundle: Bundle, values: dict[str, Any], scores: list[float]) -> tuple[list[FeatureLine], float | None]:
    frame = pl.DataFrame(
        {
            field.name: pl.Series([_revived(values[field.name], field.dtype)], dtype=POLARS_TYPES[field.dtype])
            for field in bundle.manifest.features
        }
    )
    parts = bundle.predictor.contributions(bundle.encoder.encode_frame(frame))[0]
    if parts.ndim == 2:
        parts = parts[scores.index(max(scores))]
    lines = [
        FeatureLine(name=field.name, value=values[field.name], contribution=float(part))
        for field, part in zip(bundle.manifest.features, parts[:-1], strict=True)
    ]
    return lines, float(parts[-1])


def _with_age(line: FeatureLine, stale: dict[str, float | None]) -> FeatureLine:
    return msgspec.structs.replace(line, stale=True, staleness_seconds=stale[line.name]) if line.name in stale else line


def _revived(value: Any, kind: DType) -> Any:
    """Return a value of the log as what it was: an infinite number is a text there."""
    return float(value) if kind is DType.FLOAT and isinstance(value, str) else value
