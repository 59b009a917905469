"""Scores of questions by an executor's tasks: features by lookups in tasks, and then some frames of questions each."""

import io
from collections.abc import Iterator, Mapping

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.engine.executor import Executor, unheard
from headrace.features.batch import assemble_frame
from headrace.features.errors import MissingTable
from headrace.features.plan import FeaturePlan
from headrace.features.scattered import VALUE, Scattered, scattered_lookups
from headrace.features.shared import Rows, Shared
from headrace.lake.frames import bytes_frame, frame_bytes
from headrace.models.artifact import Artifact
from headrace.models.predictor import score_frame

_MODEL = "model"


class ScoreTask(msgspec.Struct, frozen=True):
    """Score a frame of questions; `columns` name the files of its lookups' values by slot."""

    plan: FeaturePlan
    shared: Shared
    questions: str
    columns: dict[str, str]


def scattered_scores(
    executor: Executor, plan: FeaturePlan, shared: Shared, questions: Rows, tables: Mapping[str, Rows], artifact: Artifact
) -> Iterator[tuple[pl.DataFrame, NDArray[np.float64]]]:
    """Yield the features and scores of each frame of questions, in order. The plan names no function of the user's own.

    Raises:
        MissingTable: if a table that the plan looks into is not among them.
    """
    columns: dict[str, list[str]] = {lookup.slot: [] for lookup in plan.lookups}
    for table, slots in _slots(plan).items():
        if table not in tables:
            raise MissingTable(plan.lookup(slots[0]).label, table, tables)
        what = Scattered(plan=plan, slots=slots, spine=questions, table=tables[table], shared=shared, to_blobs=False)
        for frame in scattered_lookups(executor, what, _unheard):
            for slot, kept in frame.items():
                columns[slot].append(kept.name)
    with shared.opened() as opened:
        opened.scratch.put(_MODEL, msgspec.msgpack.encode(artifact))
        places = enumerate(questions.frames)
        tasks = (ScoreTask(plan, shared, name, {slot: names[place] for slot, names in columns.items()}) for place, name in places)
        for name in executor.each(score_some, tasks, unheard):
            scores = np.lib.format.read_array(io.BytesIO(opened.scratch.get(f"{name}.npy")), allow_pickle=False)
            yield bytes_frame(opened.scratch.get(f"{name}.arrow")), scores


def score_some(task: ScoreTask) -> str:
    """Score a frame; return under which name its features and its scores are left."""
    with task.shared.opened() as opened:
        artifact = msgspec.msgpack.decode(opened.scratch.get(_MODEL), type=Artifact)
        asked = bytes_frame(opened.scratch.get(task.questions)).select(list(task.plan.given))
        columns = {slot: bytes_frame(opened.scratch.get(name)).get_column(VALUE) for slot, name in task.columns.items()}
        features = assemble_frame(task.plan, asked, columns)
        buffer, name = io.BytesIO(), f"scored/{task.questions}"
        np.save(buffer, score_frame(artifact, features), allow_pickle=False)
        opened.scratch.put(f"{name}.npy", buffer.getvalue())
        opened.scratch.put(f"{name}.arrow", frame_bytes(features))
        return name


def _slots(plan: FeaturePlan) -> dict[str, tuple[str, ...]]:
    """Return the slots of the lookups into each table."""
    found: dict[str, tuple[str, ...]] = {}
    for lookup in plan.lookups:
        found[lookup.table] = (*found.get(lookup.table, ()), lookup.slot)
    return found


def _unheard(done: int, total: int) -> None:
    """Tell nobody: whoever asked hears of whole frames."""
