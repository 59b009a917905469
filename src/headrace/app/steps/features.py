"""Assembling features."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from headrace.app.lifecycle import Job
from headrace.app.settings import HERE
from headrace.app.steps.frames import get_frame
from headrace.app.store import lake_of, reference_to
from headrace.app.workspace import Workspace
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.expressions import DType
from headrace.features import batch
from headrace.features.frames import FRAME_ROWS, framed
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.plan import FeaturePlan
from headrace.features.scattered import VALUE
from headrace.features.scattered_rows import Assembly, scattered_assembly
from headrace.features.shared import Rows, Shared
from headrace.lake.tables import TableVersion
from headrace.spec.features import Features
from headrace.spec.model import Model
from headrace.spec.tables import Table

Inputs = Mapping[str, Mapping[str, Any]]


def assemble(job: Job, context: StepContext) -> Output:
    """Put the features of every row of the spine together, in a table of their own."""
    assert job.model is not None
    features, workspace = job.model.features, job.workspace
    plan = plan_of(features, context.inputs)
    # Functions of the user's own stay in this process.
    assembled_here = workspace.settings.engine == HERE or plan.functions
    written = (_assemble_here if assembled_here else _assemble_scattered)(job.model, workspace, plan, context)
    return {
        "table": written.name,
        "version": written.version,
        "summary": f"{counted(len(plan.types), 'feature')} of {counted(written.rows, 'row')}",
    }


def _assemble_here(model: Model, workspace: Workspace, plan: FeaturePlan, context: StepContext) -> TableVersion:
    return lake_of(workspace).tables.write(features_table(model), _assembled(model, workspace, plan, context))


def _assemble_scattered(model: Model, workspace: Workspace, plan: FeaturePlan, context: StepContext) -> TableVersion:
    what = Assembly(
        plan=plan,
        spine=stored(model.features.spine, context.inputs),
        rows=int(table_output(model.features.spine, context.inputs)["rows"]),
        shared=Shared(reference_to(workspace), ""),
        columns=_columns(model, plan, context.inputs),
        table=features_table(model),
    )
    return scattered_assembly(workspace.executor, what, lambda done, total: context.report(done, total, "tasks"))


def _assembled(model: Model, workspace: Workspace, plan: FeaturePlan, context: StepContext) -> Iterator[pl.DataFrame]:
    """Yield the features and `_arrival` of the spine's rows, as many a frame as a lookup's blobs have."""
    blobs = _columns(model, plan, context.inputs)
    spine, done = spine_rows(workspace, model.features, context.inputs).select(*plan.given_read(), ARRIVAL_COLUMN), 0
    total = int(table_output(model.features.spine, context.inputs)["rows"])
    for number, frame in enumerate(framed(spine, FRAME_ROWS)):
        columns = {slot: get_frame(workspace, names[number]).get_column(VALUE) for slot, names in blobs.items()}
        yield batch.assemble_frame(plan, frame, columns).with_columns(frame.get_column(ARRIVAL_COLUMN))
        done += frame.height
        context.report(done, total, "rows")


def features_table(model: Model) -> str:
    """Return the name of the table that holds a model's features."""
    return f"features/{model.name}"


def plan_of(features: Features, inputs: Inputs, only: Sequence[int] | None = None) -> FeaturePlan:
    """Return the plan over the tables' types; with `only`, the plan of those lookups alone, in that order."""
    types = {table.name: table_types(table, inputs) for table in features.tables() if f"{_kind(table)}:{table.name}" in inputs}
    if only is not None:
        lookups = features.lookups()
        features = Features(
            spine=features.spine,
            given=features.given,
            as_of=features.as_of,
            values={f"value_{number}": lookups[number] for number in only},
            location=features.location,
        )
    return FeaturePlan.build(features, types[features.spine.name], types)


def table_types(table: Table, inputs: Inputs) -> dict[str, DType]:
    """Return a table's types, as its step found them."""
    return {name: DType(kind) for name, kind in table_output(table, inputs)["types"].items()}


def spine_rows(workspace: Workspace, features: Features, inputs: Inputs) -> pl.LazyFrame:
    """Return the spine's rows in order of arrival: every step sees them in this order."""
    return table_rows(workspace, features.spine, inputs)


def table_rows(workspace: Workspace, table: Table, inputs: Inputs) -> pl.LazyFrame:
    """Return a table's rows in order of arrival."""
    return lake_of(workspace).tables.scan(table.name, table_output(table, inputs)["version"])


def table_output(table: Table, inputs: Inputs) -> Mapping[str, Any]:
    """Return what a table's step gave."""
    return inputs[f"{_kind(table)}:{table.name}"]


def stored(table: Table, inputs: Inputs) -> Rows:
    """Return where a table's rows lie."""
    return Rows(table.name, table_output(table, inputs)["version"])


def _columns(model: Model, plan: FeaturePlan, inputs: Inputs) -> dict[str, list[str]]:
    """Return the blobs of each lookup's frames, by slot."""
    return {lookup.slot: inputs[f"lookup:{model.name}.{number}"]["blobs"] for number, lookup in enumerate(plan.lookups)}


def _kind(table: Table) -> str:
    return "derive" if table.parents else "ingest"
