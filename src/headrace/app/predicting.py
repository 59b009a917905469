"""Predicting files."""

import time
from collections.abc import Mapping
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
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan
from headrace.ingest.column_types import convert
from headrace.ingest.privacy import conceal
from headrace.ingest.sources import infer, open_source
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


@dataclass(frozen=True)
class Written:
    """A column of the file as it is written there, and in the narrowest type that holds it."""

    raw: pl.Series
    natural: pl.Series


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
    written = _written(rows)
    given = _given(workspace, bundle, plan, written)
    features = compute(plan, given.lazy(), newest_tables(workspace, plan))
    scores = bundle.predictor.scores(bundle.encoder.encode_frame(features))
    moment = workspace.clock.now()
    ids = [new_id("prd", moment) for _ in range(given.height)]
    answers = _answers(bundle, scores)
    records = _records(bundle, Answered(ids, _asked_at(plan, given), given, features, scores, answers), moment)
    usage = UsageWindow(len(records), time.process_time() - cpu, time.perf_counter() - started)
    if records:
        LakeSink(workspace, "file").write(PredictionBatch(new_id("bat", moment), tuple(records), usage))
    asked = [column.natural for column in written.values()]
    _write(pl.DataFrame(asked).with_columns(pl.Series("prediction_id", ids, dtype=pl.String), *answers.get_columns()), output)
    return f"{given.height:,} rows predicted by {label(version)} into {output}"


def _written(rows: Path) -> dict[str, Written]:
    source = open_source(File(str(rows.absolute())), Path())
    return {raw.name: Written(raw, convert(raw, infer(raw, source.textual) or DType.STRING)) for raw in source.columns()}


def _given(workspace: Workspace, bundle: Bundle, plan: FeaturePlan, written: Mapping[str, Written]) -> pl.DataFrame:
    """Return the given columns in the types that the features read, personal ones pseudonymised."""
    key = workspace.pseudonym_key()
    columns = []
    for field in bundle.manifest.given:
        if field.name not in written:
            raise UnknownName("column", field.name, written, where="the file lacks a column that must be given: ")
        if field.personal:
            columns.append(conceal(written[field.name].natural.to_frame(), [field.name], key).to_series())
        else:
            columns.append(_typed(written[field.name].raw, plan.given[field.name]))
    return pl.DataFrame(columns)


def _typed(raw: pl.Series, kind: DType) -> pl.Series:
    """Return values as the door of the lake takes them; one that has not the type is told, never guessed."""
    typed = convert(raw, kind)
    bad = typed.is_null() & raw.is_not_null()
    if bad.any():
        raise UserError(f"row {bad.arg_true()[0] + 1}: {raw.name!r} is {raw.filter(bad)[0]!r}.", remedy=f"Expected {kind}.")
    return typed


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
    table = answered.scores[:, None] if answered.scores.ndim == 1 else answered.scores
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
