"""Assembling features by an executor's tasks, some frames of the spine each."""

import uuid
from collections.abc import Callable, Mapping, Sequence

import msgspec
import polars as pl

from headrace.engine.executor import Executor
from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.batch import assemble_frame
from headrace.features.frames import FRAME_ROWS, framed
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.plan import FeaturePlan
from headrace.features.scattered import FRAMES_A_TASK, VALUE, Told
from headrace.features.shared import Opened, Rows, Shared
from headrace.lake.frames import bytes_frame
from headrace.lake.parts import StagedFile
from headrace.lake.tables import TableVersion


class Assembly(msgspec.Struct, frozen=True, kw_only=True):
    """The features of a spine of so many rows, to be put into a table; `columns` name the blobs of each lookup's frames by slot.

    The plan has no function of the user's own.
    """

    plan: FeaturePlan
    spine: Rows
    rows: int
    shared: Shared
    columns: Mapping[str, Sequence[str]]
    table: str
    frame_rows: int = FRAME_ROWS


class AssemblyTask(msgspec.Struct, frozen=True, kw_only=True):
    """Some frames of them: a stage of a writing. The assembly's columns are those of these frames alone."""

    of: Assembly
    number: int
    writing: str


def scattered_assembly(executor: Executor, what: Assembly, heard: Callable[[int, int], object]) -> TableVersion:
    """Assemble features into the next version of their table: tasks write its files, which are made known here, all at once."""
    writing, step = uuid.uuid4().hex, FRAMES_A_TASK * what.frame_rows
    count = -(-max(what.rows, 1) // step)
    tasks = [AssemblyTask(of=_some(what, number), number=number, writing=writing) for number in range(count)]
    files = [file for staged in Told(heard, count).each(executor, assemble_some, tasks) for file in staged]
    schema = pl.Schema({**{name: POLARS_TYPES[kind] for name, kind in what.plan.types.items()}, ARRIVAL_COLUMN: pl.Int64()})
    return what.shared.lake.lake().tables.publish(what.table, schema, files)


def assemble_some(task: AssemblyTask) -> tuple[StagedFile, ...]:
    """Assemble some frames, and write them where their table will find them."""
    of = task.of
    with of.shared.opened() as opened:
        step = FRAMES_A_TASK * of.frame_rows
        spine = of.spine.some(opened, task.number * step, step).select(*of.plan.given_read(), ARRIVAL_COLUMN)
        frames = (_assembled(of, opened, number, frame) for number, frame in enumerate(framed(spine, of.frame_rows)))
        return opened.lake.tables.stage(of.table, task.writing, task.number, frames)


def _assembled(of: Assembly, opened: Opened, number: int, frame: pl.DataFrame) -> pl.DataFrame:
    columns = {slot: bytes_frame(opened.lake.blobs.get(names[number])).get_column(VALUE) for slot, names in of.columns.items()}
    return assemble_frame(of.plan, frame, columns).with_columns(frame.get_column(ARRIVAL_COLUMN))


def _some(what: Assembly, number: int) -> Assembly:
    first = number * FRAMES_A_TASK
    return msgspec.structs.replace(what, columns={slot: names[first : first + FRAMES_A_TASK] for slot, names in what.columns.items()})
