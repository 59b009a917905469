"""Features as they were served and logged, in the place of those that batch computes."""

import msgspec
import polars as pl

from headrace.app.errors import TooFewServed
from headrace.app.lifecycle import Job
from headrace.app.log_facts import LOG, LogFacts
from headrace.app.logged_values import logged_frame, withheld
from headrace.app.served_log import ANSWERED, FEATURES, served_rows
from headrace.app.steps.features import features_table, plan_of, spine_rows, table_types
from headrace.app.store import lake_of
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.expressions.polars_backend import to_polars


def take(job: Job, context: StepContext) -> Output:
    """Put the features of the rows that were asked about into a table of their own, as they were logged.

    Raises:
        TooFewServed: if there is no such row.
    """
    model, workspace = job.model, job.workspace
    assert model is not None
    assert job.log_version is not None  # a run begins where something was logged
    plan = plan_of(model.features, context.inputs)
    answered = to_polars(model.target, table_types(model.features.spine, context.inputs)).is_not_null()
    spine = spine_rows(workspace, model.features, context.inputs).with_columns(answered.alias(ANSWERED))
    served = served_rows(workspace, model, plan, spine, job.log_version)
    texts = served.frame[FEATURES].to_list()
    facts = LogFacts(
        version=job.log_version,
        rows=served.frame.height,
        served_by=served.served_by,
        stale=int(withheld(texts).list.eval(pl.element().is_in(list(plan.types))).list.any().sum()),
        waiting=served.waiting,
        left_out=served.left_out,
    )
    if not facts.rows:
        raise TooFewServed(model.name, "no row of the spine was answered by it", str(facts), model.features.location)
    frame = pl.concat([logged_frame(texts, plan.types), served.frame.drop(FEATURES)], how="horizontal")
    written = lake_of(workspace).tables.write(features_table(model), frame)
    return {
        "table": written.name,
        "version": written.version,
        LOG: msgspec.to_builtins(facts),
        "summary": f"{counted(len(plan.types), 'feature')} of {facts}",
    }
