"""Looking into tables and assembling features."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from headrace.app.lifecycle import Job
from headrace.app.scratch import scratch
from headrace.app.steps.frames import get_frame, put_frame
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.expressions import DType
from headrace.features import batch
from headrace.features.bucketed import lookup_frames
from headrace.features.frames import FRAME_ROWS, Bounds, framed
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.plan import FeaturePlan
from headrace.spec.features import Features
from headrace.spec.model import Model
from headrace.spec.tables import Table

Inputs = Mapping[str, Mapping[str, Any]]
VALUE = "value"


def look_up(job: Job, context: StepContext) -> Output:
    """Compute one lookup for every row of the spine."""
    assert job.model is not None
    assert job.lookup is not None
    features = job.model.features
    lookup = features.lookups()[job.lookup]
    plan = plan_of(features, context.inputs, only=job.lookup)
    slot = plan.lookups[0].slot
    spine = spine_rows(job.workspace, features, context.inputs)
    table = table_rows(job.workspace, lookup.table, context.inputs)
    blobs, rows, found, total = [], 0, 0, int(table_output(features.spine, context.inputs)["rows"])
    with scratch(job.workspace.settings.home) as folder:
        for values in lookup_frames(plan, slot, spine, table, Bounds(folder)):
            blobs.append(put_frame(job.workspace, values.alias(VALUE).to_frame()))
            rows, found = rows + len(values), found + len(values) - values.null_count()
            context.report(rows, total, "rows")
    return {"blobs": blobs, "summary": f"{lookup.label()}: {found:,} of {rows:,} found"}


def assemble(job: Job, context: StepContext) -> Output:
    """Put the features of every row of the spine together, in a table of their own."""
    assert job.model is not None
    features, workspace = job.model.features, job.workspace
    plan = plan_of(features, context.inputs)
    written = lake_of(workspace).tables.write(features_table(job.model), _assembled(job.model, workspace, plan, context))
    return {
        "table": features_table(job.model),
        "version": written.version,
        "summary": f"{counted(len(plan.types), 'feature')} of {counted(written.rows, 'row')}",
    }


def _assembled(model: Model, workspace: Workspace, plan: FeaturePlan, context: StepContext) -> Iterator[pl.DataFrame]:
    """Yield the features and `_arrival` of the spine's rows, as many a frame as a lookup's blobs have."""
    blobs = {lookup.slot: _lookup_output(model, number, context.inputs)["blobs"] for number, lookup in enumerate(plan.lookups)}
    spine, done = spine_rows(workspace, model.features, context.inputs).select(*plan.given, ARRIVAL_COLUMN), 0
    total = int(table_output(model.features.spine, context.inputs)["rows"])
    for number, frame in enumerate(framed(spine, FRAME_ROWS)):
        columns = {slot: get_frame(workspace, names[number]).get_column(VALUE) for slot, names in blobs.items()}
        yield batch.assemble_frame(plan, frame, columns).with_columns(frame.get_column(ARRIVAL_COLUMN))
        done += frame.height
        context.report(done, total, "rows")


def features_table(model: Model) -> str:
    """Return the name of the table that holds a model's features."""
    return f"features/{model.name}"


def plan_of(features: Features, inputs: Inputs, only: int | None = None) -> FeaturePlan:
    """Return the plan over the tables' types; with `only`, the plan of that one lookup."""
    types = {table.name: table_types(table, inputs) for table in features.tables() if f"{_kind(table)}:{table.name}" in inputs}
    if only is not None:
        lookup = features.lookups()[only]
        features = Features(
            spine=features.spine, given=features.given, as_of=features.as_of, values={"value": lookup}, location=features.location
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


def _kind(table: Table) -> str:
    return "derive" if table.parents else "ingest"


def _lookup_output(model: Model, number: int, inputs: Inputs) -> Mapping[str, Any]:
    return inputs[f"lookup:{model.name}.{number}"]
