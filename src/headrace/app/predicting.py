"""Predicting files."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.app.bundles import open_bundle
from headrace.app.champions import champion
from headrace.app.models import label
from headrace.app.prediction_table import LakeSink
from headrace.app.steps.comparing import newest_tables
from headrace.app.workspace import Workspace
from headrace.bundles.reading import Bundle
from headrace.core.errors import UserError
from headrace.core.ids import new_id
from headrace.expressions import DType
from headrace.expressions.polars_backend import to_polars
from headrace.features.batch import POLARS, compute
from headrace.features.plan import FeaturePlan
from headrace.ingest.privacy import conceal
from headrace.ingest.sources import read_source
from headrace.models.decision import decide
from headrace.serving.records import PredictionBatch, PredictionRecord, UsageWindow
from headrace.spec.errors import UnknownName
from headrace.spec.sources import File

WRITERS = (".csv", ".parquet")


@dataclass(frozen=True)
class Answered:
    """A file's rows on their way to answers; everything is in the order of the file."""

    ids: list[str]
    asked_at: list[datetime | None]
    given: pl.DataFrame
    features: pl.DataFrame
    scores: NDArray[np.float64]
    answers: pl.DataFrame


def predict_file(workspace: Workspace, model: str, rows: Path, output: Path) -> str:
    """Predict a file of given columns with the model's champion; every prediction is logged as a server's are.

    Each row is asked as of the moment that the description's `as_of` gives for it. The output is the input with `prediction_id`, the score
    (or a probability for each class) and the decision beside it; it appears whole or not at all.
    """
    started, cpu = time.perf_counter(), time.process_time()
    if output.suffix not in WRITERS:
        raise UserError(f"cannot write {output.name!r}.", remedy=f"Name a file that ends in {' or '.join(WRITERS)}.")
    version = champion(workspace, model)
    assert version.bundle_location is not None
    bundle = open_bundle(workspace, version.bundle_location)
    plan = FeaturePlan.from_json(bundle.plan)
    asked = read_source(File(str(rows.absolute())), Path()).collect()
    given = _given(workspace, bundle, plan, asked)
    features = compute(plan, given.lazy(), newest_tables(workspace, plan))
    scores = bundle.predictor.scores(bundle.encoder.encode_frame(features))
    moment = workspace.clock.now()
    ids = [new_id("prd", moment) for _ in range(asked.height)]
    answers = _answers(bundle, scores)
    records = _records(bundle, Answered(ids, _asked_at(plan, given), given, features, scores, answers), moment)
    usage = UsageWindow(len(records), time.process_time() - cpu, time.perf_counter() - started)
    if records:
        LakeSink(workspace, "file").write(PredictionBatch(new_id("bat", moment), tuple(records), usage))
    _write(asked.with_columns(pl.Series("prediction_id", ids, dtype=pl.String), *answers.get_columns()), output)
    return f"{asked.height:,} rows predicted by {label(version)} into {output}"


def _given(workspace: Workspace, bundle: Bundle, plan: FeaturePlan, asked: pl.DataFrame) -> pl.DataFrame:
    """Return the given columns in the types that the features read, personal ones pseudonymised."""
    key = workspace.pseudonym_key()
    columns = []
    for field in bundle.manifest.given:
        if field.name not in asked.columns:
            raise UnknownName("column", field.name, asked.columns, where="the file lacks a column that must be given: ")
        series = asked.get_column(field.name)
        if field.personal:
            series = conceal(series.to_frame(), [field.name], key).to_series()
        columns.append(_typed(series, field.name, plan.given[field.name]))
    return pl.DataFrame(columns)


def _typed(series: pl.Series, name: str, kind: DType) -> pl.Series:
    if kind is DType.DATETIME and series.dtype == pl.String:
        series = series.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    typed = series.cast(POLARS[kind], strict=False)
    bad = typed.is_null() & series.is_not_null()
    if bad.any():
        raise UserError(f"row {bad.arg_true()[0] + 1}: {name!r} is {series.filter(bad)[0]!r}.", remedy=f"Expected {kind}.")
    return typed.alias(name)


def _asked_at(plan: FeaturePlan, given: pl.DataFrame) -> list[datetime | None]:
    asked = plan.as_of_expression()
    return [None] * given.height if asked is None else given.select(asked=to_polars(asked, plan.given)).get_column("asked").to_list()


def _answers(bundle: Bundle, scores: NDArray[np.float64]) -> pl.DataFrame:
    manifest = bundle.manifest
    threshold = 0.5 if manifest.threshold is None else manifest.threshold
    if manifest.task == "regression":
        return pl.DataFrame({"prediction": scores})
    decided = decide(manifest.task, scores, threshold)
    if manifest.task == "binary":
        return pl.DataFrame({"score": scores, "decision": decided.astype(bool)})
    table = {f"probability_{name}": scores[:, index] for index, name in enumerate(manifest.classes)}
    return pl.DataFrame({**table, "decision": [manifest.classes[int(code)] for code in decided]})


def _records(bundle: Bundle, answered: "Answered", moment: datetime) -> list[PredictionRecord]:
    manifest = bundle.manifest
    table = answered.scores.reshape(len(answered.ids), -1)
    decisions = answered.answers.get_column("decision").to_list() if "decision" in answered.answers.columns else [None] * len(answered.ids)
    rows = zip(
        answered.ids, answered.asked_at, answered.given.to_dicts(), answered.features.to_dicts(), table.tolist(), decisions, strict=True
    )
    return [
        PredictionRecord(
            id=name, moment=moment, as_of=asked or moment, model=manifest.model, version=manifest.version, inputs=given, features=features,
            scores=tuple(scores), decision=decision, seconds=0.0,
        )
        for name, asked, given, features, scores, decision in rows
    ]  # fmt: skip


def _write(frame: pl.DataFrame, output: Path) -> None:
    temporary = output.with_name(f".{output.name}.part")
    if output.suffix == ".csv":
        frame.write_csv(temporary)
    else:
        frame.write_parquet(temporary)
    temporary.replace(output)
