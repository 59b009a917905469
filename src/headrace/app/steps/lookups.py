"""Looking into tables, for every row of the spine: each lookup is a step, and several are carried out together where that saves work.

Lookups into one table share the reading of it and of the spine, the numbers of keys, and what was put in order of time. Of tables that are
parted only those go together that see the same rows: their values are those of each alone to the last bit, as fingerprints promise.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.app.lifecycle import Job
from headrace.app.scratch import scratch
from headrace.app.settings import HERE
from headrace.app.spreading import shared_scratch
from headrace.app.steps.features import Inputs, plan_of, stored, table_output, table_rows
from headrace.app.steps.frames import put_frame
from headrace.core.errors import UserError
from headrace.engine.graph import Contexts, Output, StepContext
from headrace.features.bucketed import MOST_TOGETHER, lookup_frames
from headrace.features.frames import Bounds
from headrace.features.grouped import alike
from headrace.features.plan import FeaturePlan
from headrace.features.scattered import VALUE, Frames, Kept, Scattered, scattered_lookups
from headrace.spec.tables import Table

Jobs = Mapping[str, Job]


def look_up(job: Job, context: StepContext) -> Output:
    """Compute one lookup."""
    return look_up_together({context.step_name: job}, {context.step_name: context})[context.step_name]


def look_up_together(jobs: Jobs, contexts: Contexts) -> dict[str, Output]:
    """Compute lookups of one model into one table; return what each step gives."""
    asked, kept = _Asked.of(jobs, contexts), dict[str, list[Kept]]()
    for frame in (_here if asked.job.workspace.settings.engine == HERE else _scattered)(asked, contexts):
        for slot, each in frame.items():
            kept.setdefault(slot, []).append(each)
    return {asked.steps[lookup.slot]: _output(lookup.label, kept[lookup.slot]) for lookup in asked.plan.lookups}


def choose(jobs: Jobs, contexts: Contexts) -> Collection[str]:
    """Return the steps that are carried out with the first."""
    first = next(iter(contexts))
    try:
        asked = _Asked.of(jobs, contexts)
    except UserError:  # one of them cannot be computed: alone it says so, and keeps no other from being done
        return [first]
    rows = sum(int(table_output(each, asked.inputs)["rows"]) for each in (asked.spine, asked.table))
    lookups = list(asked.plan.lookups) if rows <= Bounds(Path()).rows_unparted else next(alike(asked.plan.lookups))
    return [asked.steps[lookup.slot] for lookup in lookups[:MOST_TOGETHER]]


@dataclass(frozen=True)
class _Asked:
    """Lookups of one model into one table: the job of the first, what all are given, their plan, and their steps by slot."""

    job: Job
    inputs: Inputs
    plan: FeaturePlan
    spine: Table
    table: Table
    steps: Mapping[str, str]

    @classmethod
    def of(cls, jobs: Jobs, contexts: Contexts) -> "_Asked":
        job, inputs = next((jobs[name], context.inputs) for name, context in contexts.items())
        numbers = [number for name in contexts if (number := jobs[name].lookup) is not None]
        assert job.model is not None
        features = job.model.features
        plan = plan_of(features, inputs, only=numbers)
        steps = {lookup.slot: name for lookup, name in zip(plan.lookups, contexts, strict=True)}
        return cls(job, inputs, plan, features.spine, features.lookups()[numbers[0]].table, steps)


def _here(asked: _Asked, contexts: Contexts) -> Iterable[Frames]:
    workspace = asked.job.workspace
    spine, table = (table_rows(workspace, each, asked.inputs) for each in (asked.spine, asked.table))
    done, total = dict.fromkeys(asked.steps, 0), int(table_output(asked.spine, asked.inputs)["rows"])
    with scratch(workspace.settings.home) as folder:
        for frame in lookup_frames(asked.plan, asked.plan.lookups, spine, table, Bounds(folder)):
            kept = {}
            for values in frame:
                slot = values.name
                kept[slot] = Kept(put_frame(workspace, values.alias(VALUE).to_frame()), len(values), values.null_count())
                done[slot] += len(values)
                contexts[asked.steps[slot]].report(done[slot], total, "rows")
            yield kept


def _scattered(asked: _Asked, contexts: Contexts) -> Iterable[Frames]:
    def told(done: int, total: int) -> None:
        for context in contexts.values():
            context.report(done, total, "tasks")

    with shared_scratch(asked.job.workspace, asked.job.fingerprint) as shared:
        what = Scattered(
            plan=asked.plan,
            slots=tuple(asked.steps),
            spine=stored(asked.spine, asked.inputs),
            table=stored(asked.table, asked.inputs),
            shared=shared,
        )
        yield from scattered_lookups(asked.job.workspace.executor, what, told)


def _output(label: str, kept: Collection[Kept]) -> Output:
    rows = sum(each.rows for each in kept)
    found = rows - sum(each.missing for each in kept)
    return {"blobs": [each.name for each in kept], "summary": f"{label}: {found:,} of {rows:,} found"}
