"""Predictions as rows of the log, a frame at a time: what `serving.records` writes of each one by itself, by columns."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.bundles.manifest import Manifest
from headrace.expressions.polars_backend import to_polars
from headrace.features.plan import FeaturePlan
from headrace.models.decision import decide
from headrace.serving.records import features_json

_MOMENT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class AnsweredFrame:
    """Questions of one model version and their answers, in order; `asked_at` where the description says when, else null.

    `watermarks` say until when each streamed table was known that was read; None: none was.
    """

    ids: list[str]
    model: str
    version: str
    asked_at: pl.Series
    given: pl.DataFrame
    features: pl.DataFrame
    scores: NDArray[np.float64]
    decisions: pl.Series | None
    watermarks: Mapping[str, datetime | None] | None = None


def asked_at(plan: FeaturePlan, given: pl.DataFrame) -> pl.Series:
    """Return the moment that each question is asked as of; null where the description does not say."""
    asked = plan.as_of_expression()
    if asked is None:
        return pl.Series([None], dtype=_MOMENT).new_from_index(0, given.height)
    return given.select(asked=to_polars(asked, plan.given)).to_series()


def answer_columns(manifest: Manifest, scores: NDArray[np.float64]) -> pl.DataFrame:
    """Return what people are told of each answer: the score, or a probability for each class, and the decision."""
    threshold = 0.5 if manifest.threshold is None else manifest.threshold
    if manifest.task == "regression":
        return pl.DataFrame({"prediction": scores})
    decided = decide(manifest.task, scores, threshold)
    if manifest.task == "binary":
        return pl.DataFrame({"score": scores, "decision": decided.astype(bool)})
    table = {f"probability_{name}": scores[:, index] for index, name in enumerate(manifest.classes)}
    classes = pl.Series(list(manifest.classes))
    return pl.DataFrame({**table, "decision": classes.gather(decided.astype(np.int64))})


def log_rows(answered: AnsweredFrame, source: str, moment: datetime) -> pl.DataFrame:
    """Return the log's rows of questions that were answered at `moment`."""
    watermarks = None if answered.watermarks is None else msgspec.json.encode(answered.watermarks).decode()
    return pl.DataFrame({"id": answered.ids}, schema={"id": pl.String}).select(
        "id",
        moment=pl.lit(moment, pl.Datetime("us", "UTC")),
        as_of=answered.asked_at.cast(pl.Datetime("us", "UTC")).fill_null(moment),
        model=pl.lit(answered.model),
        version=pl.lit(answered.version),
        source=pl.lit(source),
        inputs=frame_json(answered.given),
        features=_features(answered.features),
        scores=_scores(answered.scores),
        decision=_decisions(answered),
        seconds=pl.lit(0.0),
        state=pl.lit(None, _MOMENT),
        watermarks=pl.lit(watermarks, pl.String),
    )


def frame_json(frame: pl.DataFrame) -> pl.Series:
    """Return each row as JSON text: moments in ISO 8601, durations in seconds, NaN and infinities as null."""
    if not frame.width:
        return pl.Series(["{}"] * frame.height, dtype=pl.String)
    plain = [_plain(column) for column in frame.iter_columns()]
    return pl.DataFrame(plain).to_struct().struct.json_encode()


def _plain(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ")
    return column.dt.total_microseconds() / 1e6 if isinstance(column.dtype, pl.Duration) else column


def _features(frame: pl.DataFrame) -> pl.Series:
    """As `frame_json`, but infinities are texts: models tell them from null. Rows that have one are few and written one by one."""
    texts = frame_json(frame)
    numbers = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    if not numbers:
        return texts
    infinite = frame.select(pl.any_horizontal(pl.col(numbers).is_infinite().fill_null(False))).to_series()
    places = infinite.arg_true()
    return texts.scatter(places, [features_json(row) for row in frame[places].iter_rows(named=True)]) if len(places) else texts


def _scores(scores: NDArray[np.float64]) -> pl.Series:
    table = scores[:, None] if scores.ndim == 1 else scores
    if not np.isfinite(table).all():
        return pl.Series([json.dumps(row) for row in table.tolist()], dtype=pl.String)
    columns = pl.from_numpy(table, schema=[str(number) for number in range(table.shape[1])])
    return columns.select("[" + pl.concat_str(pl.all().cast(pl.String), separator=", ") + "]").to_series()


def _decisions(answered: AnsweredFrame) -> pl.Series:
    if answered.decisions is None:
        return pl.Series(["null"] * len(answered.ids), dtype=pl.String)
    distinct = answered.decisions.unique().to_list()
    told = [json.dumps(value) for value in distinct]
    return answered.decisions.replace_strict(distinct, told, return_dtype=pl.String) if distinct else answered.decisions.cast(pl.String)
