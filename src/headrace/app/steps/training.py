"""Training one candidate, and the rows that every step of a model sees alike."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec
import polars as pl

from headrace.app.errors import TooFewServed
from headrace.app.lifecycle import Job
from headrace.app.log_facts import LOG, LogFacts
from headrace.app.settings import HERE
from headrace.app.spreading import shared_scratch
from headrace.app.steps.features import Inputs, plan_of, spine_rows, table_types
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.core.seeds import derive_seed
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.expressions import infer
from headrace.expressions.polars_backend import to_polars
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.plan import SERVED_AS_OF, FeaturePlan
from headrace.spec.model import Model
from headrace.spec.tables import INGESTED
from headrace.training.budget import share_caps
from headrace.training.columns import check_feature_types
from headrace.training.errors import EmptyPart
from headrace.training.moments import Moments
from headrace.training.splits import Parts, SplitRows, split_rows
from headrace.training.spreading import Spread
from headrace.training.tasks import infer_task
from headrace.training.train import Trained, TrainRequest, train_candidate


@dataclass(frozen=True)
class ModelRows:
    """A model's rows, one entry a spine row, in order of arrival. The spine's columns are read when they are asked for.

    Where the features were taken from the log of predictions, `log` says what was, and the rows are those that were asked about.
    """

    task: str
    plan: FeaturePlan
    spine: pl.LazyFrame
    features: pl.DataFrame
    target: pl.Series
    parts: Parts
    moments: Moments
    log: LogFacts | None = None

    def spine_rows(self, part: str, columns: Sequence[str]) -> pl.DataFrame:
        """Return some of the spine's columns for the rows of one part."""
        return self.spine.select(columns).collect()[self.parts.rows(part)]


def train(job: Job, context: StepContext) -> Output:
    """Search one candidate's parameters and keep it at its best."""
    model = job.model
    assert model is not None
    rows = model_rows(job.workspace, model, context.inputs)
    with spread_by(job, context) as spread:
        trained = train_candidate(_request(job, context, rows, spread))
    measured = trained.validation.metrics[model.metric]
    trials = counted(len(trained.trials), "trial")
    value = "undefined" if measured.value is None else f"{measured.value:.4f}"
    return {
        "blob": lake_of(job.workspace).blobs.put(msgspec.msgpack.encode(trained)),
        "summary": f"{model.metric} {value} in validation, {trials}, stopped by {trained.stopped_by}",
    }


@contextmanager
def spread_by(job: Job, context: StepContext) -> Iterator[Spread | None]:
    """Give what shares a step's work out to a cluster, while it lasts; None where this process does it."""
    if job.workspace.settings.engine == HERE:
        yield None
        return
    with shared_scratch(job.workspace, job.fingerprint) as shared:
        yield Spread(job.workspace.executor, shared, lambda: context.report(0, None, ""))


def _request(job: Job, context: StepContext, rows: ModelRows, spread: Spread | None) -> TrainRequest:
    model, candidate, executor = job.model, job.candidate, job.workspace.executor
    assert model is not None
    assert candidate is not None
    return TrainRequest(
        candidate=candidate,
        task=rows.task,
        metric=model.metric,
        features=rows.features,
        target=rows.target,
        parts=rows.parts,
        moments=rows.moments,
        caps=share_caps(model.tune, model.candidates, job.cpu_second_usd)[candidate.name],
        seed=job.seed,
        costs=model.costs,
        progress=lambda share, line: context.report(share, 1.0, line),
        cpu_seconds=lambda: time.process_time() + executor.cpu_seconds,
        at_once=model.tune.at_once,
        spread=spread,
    )


def load_candidates(workspace: Workspace, model: Model, inputs: Inputs) -> list[Trained]:
    """Return the candidates that `train` kept, in the order of the description."""
    blobs = [inputs[f"train:{model.name}.{candidate.name}"]["blob"] for candidate in model.candidates]
    return [msgspec.msgpack.decode(lake_of(workspace).blobs.get(blob), type=Trained) for blob in blobs]


def model_rows(workspace: Workspace, model: Model, inputs: Inputs) -> ModelRows:
    """Return the rows of a model from the tables of its features and its spine."""
    plan = plan_of(model.features, inputs)
    check_feature_types(plan.types)
    types = table_types(model.features.spine, inputs)
    task = infer_task(infer(model.target, types), model.task, model.metric)
    table = inputs[f"features:{model.name}"]
    kept = lake_of(workspace).tables.scan(table["table"], table["version"])
    features = kept.select(list(plan.types)).collect()
    spine, log = spine_rows(workspace, model.features, inputs), None
    if model.features.from_log:
        log = msgspec.convert(table[LOG], LogFacts)
        asked = kept.select(ARRIVAL_COLUMN, SERVED_AS_OF).collect().lazy()
        spine = asked.join(spine, on=ARRIVAL_COLUMN, how="left", maintain_order="left")
    answers = spine.select(
        target=to_polars(model.target, types),
        known=answer_known(model),
        asked=question_asked(model, plan),
        _arrival=pl.col("_arrival"),
    ).collect()
    rows = SplitRows(
        task=task,
        target=answers.get_column("target"),
        time=answers.get_column("asked"),
        target_known=answers.get_column("known"),
        arrival=answers.get_column("_arrival"),
    )
    try:
        parts = split_rows(model.split, rows, derive_seed(workspace.project.seed, model.name, "split"))
    except EmptyPart as error:
        if log is None:
            raise
        raise TooFewServed(model.name, error.problem, str(log), model.features.location) from error
    moments = Moments.of(answers.get_column("asked"), answers.get_column("known"))
    return ModelRows(task, plan, spine, features, answers.get_column("target"), parts, moments, log)


def question_asked(model: Model, plan: FeaturePlan) -> pl.Expr:
    """Return when the question is asked, or was, else when the row happened."""
    if model.features.from_log:
        return pl.col(SERVED_AS_OF)
    asked = plan.as_of_expression()
    if asked is not None:
        return to_polars(asked, plan.given)
    return pl.col(model.features.spine.time) if model.features.spine.time else pl.lit(None, pl.Datetime("us", "UTC"))


def answer_known(model: Model) -> pl.Expr:
    """Return when the answer became known: the latest of its columns' known times."""
    spine = model.features.spine
    known = {spine.column_known(column) for column in model.target.columns()}
    columns = [pl.col("_ingested" if name == INGESTED else name) for name in sorted(name for name in known if name)]
    if not columns:
        return pl.lit(None, pl.Datetime("us", "UTC"))
    # Null is never, so the latest of several is null as soon as one of them is: max_horizontal would skip it.
    return pl.when(pl.all_horizontal(column.is_not_null() for column in columns)).then(pl.max_horizontal(columns))
