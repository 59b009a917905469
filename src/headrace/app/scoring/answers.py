"""Answers that the lake, or somebody else, does not have yet: kept by the commit that takes their questions away."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import polars as pl

from headrace.app.prediction_frames import AnsweredFrame, answer_columns, frame_json, log_rows
from headrace.app.scoring.champion import REASON, Answered, Champion
from headrace.app.scoring.questions import AS_OF
from headrace.app.workspace import Workspace
from headrace.core.ids import settled_id
from headrace.features.stores.contract import Field, Key, StateStore
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, ROW

SOURCE = "stream"
_MOMENT = pl.Datetime("us", "UTC")


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of one commit, as Arrow IPC streams; empty where there are none.

    Attributes:
        number: one more than that of the answers before them in the partition.
        version: that of the model which answered; `predictions` are how many of its answers these are.
        log: rows of the log of predictions.
        told: what those are told who get predictions.
        refused: questions without an answer, and why.
        cpu_seconds, wall_seconds: what it took.
    """

    number: int
    version: str
    predictions: int
    log: bytes
    told: bytes
    refused: bytes
    cpu_seconds: float
    wall_seconds: float


class Kept(NamedTuple):
    """Answers and where they are kept."""

    field: Field
    answers: Answers


def put_answers(model: str, partition: int, answers: Answers) -> tuple[Field, bytes]:
    """Return what keeps answers: fields are in the order of their numbers."""
    return Field(*_key(model, partition), answers.number.to_bytes(8, "big")), msgspec.msgpack.encode(answers)


def kept_answers(store: StateStore, model: str, partition: int) -> list[Kept]:
    """Return a partition's answers in the order of their numbers."""
    key = _key(model, partition)
    (found,) = store.fields([key])
    return [Kept(Field(*key, name), msgspec.msgpack.decode(value, type=Answers)) for name, value in found]


def frame_of(packed: Sequence[bytes]) -> pl.DataFrame | None:
    """Return the rows of some answers' parts, if there are any."""
    frames = [pl.read_ipc_stream(io.BytesIO(each)) for each in packed if each]
    return pl.concat(frames, how="diagonal") if frames else None


def question_ids(workspace: Workspace, model: str, spine: str, rows: pl.DataFrame) -> list[str]:
    """Return the ids of the predictions of rows: the same for a question whoever answers it, and whenever."""
    what = f"{workspace.project.name}/{model}/{spine}"
    asked = zip(rows[INGESTED_AT].to_list(), rows[ARRIVAL].to_list(), strict=True)
    return [settled_id("prd", moment, f"{what}/{arrival}") for moment, arrival in asked]


def made_answers(
    workspace: Workspace, champion: Champion, answered: Answered, number: int, names: Sequence[str] | None, now: datetime
) -> Answers:
    """Return answers as they are kept; `names` are the columns that tell the spine's rows apart; None: nobody is told."""
    ids = question_ids(workspace, champion.version.model, champion.plan.spine, answered.rows)
    log, told = b"", b""
    if ids:
        log = _packed(_log(champion, answered, ids, now))
        told = b"" if names is None else _packed(_told(champion, answered, ids, names, now))
    return Answers(
        number=number,
        version=champion.bundle.manifest.version,
        predictions=len(ids),
        log=log,
        told=told,
        refused=_packed(_refused(champion, answered.refused, now)) if answered.refused.height else b"",
        cpu_seconds=answered.cpu_seconds,
        wall_seconds=answered.wall_seconds,
    )


def _log(champion: Champion, answered: Answered, ids: list[str], now: datetime) -> pl.DataFrame:
    manifest = champion.bundle.manifest
    answers = answer_columns(manifest, answered.scores)
    frame = AnsweredFrame(
        ids=ids,
        model=manifest.model,
        version=manifest.version,
        asked_at=answered.rows[AS_OF].cast(_MOMENT),
        given=answered.rows.select(list(champion.plan.given)),
        features=answered.features,
        scores=answered.scores,
        decisions=answers["decision"] if "decision" in answers.columns else None,
        watermarks=answered.watermarks,
    )
    return log_rows(frame, SOURCE, now)


def _told(champion: Champion, answered: Answered, ids: list[str], names: Sequence[str], now: datetime) -> pl.DataFrame:
    """Columns that do not depend on the version, so that one table takes the answers of all."""
    manifest, rows = champion.bundle.manifest, answered.rows
    answers = answer_columns(manifest, answered.scores)
    if manifest.task == "multiclass":
        told = answers.select(pl.all().exclude("decision").name.map(lambda name: name.removeprefix("probability_")))
        answers = pl.DataFrame(
            {"score": told.max_horizontal(), "decision": answers["decision"], "probabilities": frame_json(told)},
        )
    return rows.select(ARRIVAL, *(name for name in names if name != ARRIVAL)).select(
        pl.all(),
        prediction_id=pl.Series(ids, dtype=pl.String),
        as_of=rows[AS_OF].cast(_MOMENT).fill_null(now),
        predicted=pl.lit(now, _MOMENT),
        model=pl.lit(manifest.model),
        version=pl.lit(manifest.version),
        **{name: answers[name] for name in answers.columns},
    )


def _refused(champion: Champion, rows: pl.DataFrame, now: datetime) -> pl.DataFrame:
    manifest = champion.bundle.manifest
    given = [name for name in champion.plan.given if name in rows.columns]
    return rows.select(
        ARRIVAL,
        pl.lit(now, _MOMENT).alias(INGESTED_AT),
        REASON,
        frame_json(rows.select(given)).alias(ROW),
        pl.col(AS_OF).cast(_MOMENT).alias("as_of"),
        pl.lit(manifest.model).alias("model"),
        pl.lit(manifest.version).alias("version"),
    )


def answers_space(model: str) -> str:
    """Return the space of a model's answers."""
    return f"answers/{model}"


def _key(model: str, partition: int) -> Key:
    return answers_space(model), partition.to_bytes(4, "big")


def _packed(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer, compression="lz4")
    return buffer.getvalue()
