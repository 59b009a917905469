"""Looking into tables and assembling features."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from headrace.app.lifecycle import Job
from headrace.app.store import get_frame, lake_of, put_frame
from headrace.app.workspace import Workspace
from headrace.engine.graph import Output, StepContext
from headrace.expressions import DType
from headrace.features import batch
from headrace.features.plan import FeaturePlan
from headrace.spec.features import Features
from headrace.spec.model import Model
from headrace.spec.tables import Table

Inputs = Mapping[str, Mapping[str, Any]]


def look_up(job: Job, context: StepContext) -> Output:
    """Compute one lookup for every row of the spine."""
    assert job.model is not None
    assert job.lookup is not None
    features = job.model.features
    lookup = features.lookups()[job.lookup]
    plan = plan_of(features, context.inputs, only=job.lookup)
    slot = plan.lookups[0].slot
    column = batch.lookup_column(
        plan, slot, spine_rows(job.workspace, features, context.inputs), table_rows(job.workspace, lookup.table, context.inputs)
    )
    filled = column.height - column.get_column(slot).null_count()
    return {
        "blob": put_frame(job.workspace, column.rename({slot: "value"})),
        "summary": f"{lookup.label()}: {filled:,} of {column.height:,} found",
    }


def assemble(job: Job, context: StepContext) -> Output:
    """Put the features of every row of the spine together, in a table of their own."""
    assert job.model is not None
    features, workspace = job.model.features, job.workspace
    plan = plan_of(features, context.inputs)
    columns = {
        lookup.slot: get_frame(workspace, _lookup_output(job.model, number, context.inputs)["blob"]).get_column("value")
        for number, lookup in enumerate(plan.lookups)
    }
    spine = spine_rows(workspace, features, context.inputs)
    frame = batch.assemble(plan, spine, columns).with_columns(spine.select("_arrival").collect())
    written = lake_of(workspace).tables.write(features_table(job.model), frame)
    return {
        "table": features_table(job.model),
        "version": written.version,
        "summary": f"{len(plan.types)} features of {frame.height:,} rows",
    }


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
    return lake_of(workspace).tables.scan(table.name, table_output(table, inputs)["version"]).sort("_arrival")


def table_output(table: Table, inputs: Inputs) -> Mapping[str, Any]:
    """Return what a table's step gave."""
    return inputs[f"{_kind(table)}:{table.name}"]


def _kind(table: Table) -> str:
    return "derive" if table.parents else "ingest"


def _lookup_output(model: Model, number: int, inputs: Inputs) -> Mapping[str, Any]:
    return inputs[f"lookup:{model.name}.{number}"]
