"""Which step follows which, and what decides whether it must run again.

    ingest:T ─┬─> derive:T ─┬─> lookup:M.n ─> features:M ─> train:M.candidate ─> evaluate:M ─> bundle:M ─> judge:M
              └─────────────┘

Where features are taken from the log of predictions there is no lookup: features:M follows what was logged, and the spine. A model's
lookups into one table are of one company: those that are missing are answered together.

A step's fingerprint is made from the version of its code, its part of the description and its inputs' fingerprints, so the fingerprints
of the whole graph are known before anything runs.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from headrace.app.sources import source_state
from headrace.core.fingerprints import fingerprint
from headrace.core.seeds import derive_seed
from headrace.engine.graph import Company, Graph, Output, Step, StepContext
from headrace.expressions import Column, Expr
from headrace.spec.candidates import Candidate
from headrace.spec.features import Features, Lookup
from headrace.spec.model import Model
from headrace.spec.streams import Streamed
from headrace.spec.tables import Derived, Entity, Events, Table
from headrace.training.budget import share_caps

if TYPE_CHECKING:
    from headrace.app.served_log import LogState
    from headrace.app.workspace import Workspace

# Raise a number when that step's code gives another result for the same inputs: what it gave before is then made again.
CODE_VERSIONS = {"ingest": 2, "derive": 1, "lookup": 2, "features": 2, "train": 2, "evaluate": 1, "bundle": 1, "judge": 1}


@dataclass(frozen=True)
class Job:
    """What a step's body is told beside its inputs.

    `fingerprint` is the step's own, `source` what its table's source held for it, `log_version` that of the log of predictions, where
    features are taken from it.
    """

    workspace: "Workspace"
    fingerprint: str
    table: Table | None = None
    model: Model | None = None
    lookup: int | None = None
    candidate: Candidate | None = None
    seed: int = 0
    cpu_second_usd: Decimal = Decimal(0)
    source: str = ""
    log_version: int | None = None


def build_graph(workspace: "Workspace", cpu_second_usd: Decimal) -> Graph:
    """Return the steps of a whole project. Reads the files' bytes, what was landed, the key of pseudonyms and,
    for features that are taken from it, the log of predictions, and nothing else."""
    return Graph(_Builder(workspace, cpu_second_usd).steps())


class _Builder:
    def __init__(self, workspace: "Workspace", cpu_second_usd: Decimal) -> None:
        self._workspace = workspace
        self._cpu_second_usd = cpu_second_usd
        self._steps: dict[str, Step] = {}
        self._jobs: dict[str, Job] = {}
        self._table_steps: dict[str, str] = {}

    def steps(self) -> list[Step]:
        project = self._workspace.project
        for table in project.tables():
            self._add_table(table)
        for model in project.models:
            self._add_model(model)
        return list(self._steps.values())

    def _add(self, name: str, body: str, meaning: tuple[object, ...], inputs: tuple[str, ...], **job: Any) -> str:
        kind = name.partition(":")[0]
        print_ = fingerprint(
            kind, CODE_VERSIONS[kind], self._workspace.project.name, *meaning, [self._steps[each].fingerprint for each in inputs]
        )
        self._jobs[name] = Job(workspace=self._workspace, fingerprint=print_, **job)
        self._steps[name] = Step(name, print_, inputs, _deferred(body, self._jobs[name]))
        return name

    def _add_table(self, table: Table) -> None:
        parents = tuple(self._table_steps[parent.name] for parent in table.parents)
        # Under another key the same person has another pseudonym.
        meaning = (table_meaning(table), *((self._workspace.pseudonym_key(),) if table.personal else ()))
        if isinstance(table, Derived):
            name = self._add(f"derive:{table.name}", "tables:derive", meaning, parents, table=table)
        else:
            assert isinstance(table, Events | Entity)
            source = source_state(self._workspace, table).fingerprint
            body = "tables:pin" if isinstance(table.source, Streamed) else "tables:ingest"
            name = self._add(f"ingest:{table.name}", body, (*meaning, source), (), table=table, source=source)
        self._table_steps[table.name] = name

    def _add_model(self, model: Model) -> None:
        features = model.features
        spine = self._table_steps[features.spine.name]
        others = tuple(self._table_steps[table.name] for table in features.tables()[1:])
        assembled = (self._take_logged if features.from_log else self._assemble)(model, spine, others)
        trained = tuple(self._add_candidate(model, candidate, (assembled, spine, *others)) for candidate in model.candidates)
        judged_by = (model.costs, model.gates, model.approve, model.metric)
        evaluated = self._add(
            f"evaluate:{model.name}",
            "evaluating:evaluate",
            judged_by,
            (*trained, assembled, spine, *others),
            **self._seeded(model, "evaluate"),
        )
        # What matters only when a model is served is written into its bundle, and changes nothing before that.
        served = (features.staleness_limits(), features.when_stale) if features.max_staleness or features.when_stale != "last" else ()
        bundled = self._add(
            f"bundle:{model.name}", "bundling:bundle", served, (evaluated, assembled, spine, *others, *trained), model=model
        )
        self._add(f"judge:{model.name}", "judging:judge", (), (bundled, evaluated, spine, *others), model=model)

    def _assemble(self, model: Model, spine: str, others: tuple[str, ...]) -> str:
        features = model.features
        lookups = tuple(self._add_lookup(model, number, lookup) for number, lookup in enumerate(features.lookups()))
        for table in features.tables():
            self._join([name for name, each in zip(lookups, features.lookups(), strict=True) if each.table.name == table.name])
        meaning = (features_meaning(features),)
        return self._add(f"features:{model.name}", "features:assemble", meaning, (spine, *lookups, *others), model=model)

    def _take_logged(self, model: Model, spine: str, others: tuple[str, ...]) -> str:
        lookups = [lookup.declaration() for lookup in model.features.lookups()]
        meaning = (features_meaning(model.features), lookups, "as logged", self._logged.fingerprint if self._logged else None)
        version = self._logged.version if self._logged else None
        return self._add(f"features:{model.name}", "logged:take", meaning, (spine, *others), model=model, log_version=version)

    @cached_property
    def _logged(self) -> "LogState | None":
        # Kept here: only who learns from what was served opens a table to see what there is to do.
        from headrace.app.served_log import log_state

        return log_state(self._workspace)

    def _add_lookup(self, model: Model, number: int, lookup: Lookup) -> str:
        features = model.features
        tables = tuple(dict.fromkeys((self._table_steps[features.spine.name], self._table_steps[lookup.table.name])))
        meaning = ({name: getattr(lookup, name) for name in lookup.__struct_fields__ if name not in ("table", "location")}, features.as_of)
        return self._add(
            f"lookup:{model.name}.{number}", "lookups:look_up", (type(lookup).__name__, *meaning), tables, model=model, lookup=number
        )

    def _join(self, names: list[str]) -> None:
        """Have lookups carried out together."""
        jobs = {name: self._jobs[name] for name in names}
        choose, run = (partial(_body, self._workspace, f"lookups:{each}", jobs) for each in ("choose", "look_up_together"))
        company = Company(choose, run)
        self._steps |= {name: replace(self._steps[name], company=company) for name in names}

    def _add_candidate(self, model: Model, candidate: Candidate, inputs: tuple[str, ...]) -> str:
        caps = share_caps(model.tune, model.candidates)[candidate.name]
        at_once = (model.tune.at_once,) if model.tune.at_once > 1 else ()
        limits = (caps.trials, caps.seconds, caps.cost_usd, self._cpu_second_usd if caps.cost_usd is not None else None, *at_once)
        seeded = self._seeded(model, candidate.name)
        meaning = (candidate.name, candidate, model.target, model.task, model.split, model.metric, model.costs, limits, seeded["seed"])
        return self._add(
            f"train:{model.name}.{candidate.name}",
            "training:train",
            meaning,
            inputs,
            candidate=candidate,
            cpu_second_usd=self._cpu_second_usd,
            **seeded,
        )

    def _seeded(self, model: Model, *names: str) -> dict[str, Any]:
        return {"model": model, "seed": derive_seed(self._workspace.project.seed, model.name, *names)}


def table_meaning(table: Table) -> dict[str, object]:
    """Return what decides a table beside its source's content and its inputs: not where it or its file is, nor how long it stays."""
    left_out = ("location", "source", "inputs", "keep_versions")
    return {"kind": type(table).__name__, **{name: getattr(table, name) for name in table.__struct_fields__ if name not in left_out}}


def features_meaning(features: Features) -> dict[str, object]:
    """Return what decides assembled features beside the rows and the lookups' columns."""
    return {
        "given": features.given,
        "values": [(name, value.substitute(_by_label)) for name, value in features.values.items()],
        "as_of": features.as_of,
        "personal": sorted(features.spine.personal),
    }


def _by_label(node: Expr) -> Expr | None:
    return Column(node.label()) if isinstance(node, Lookup) else None


def _deferred(body: str, job: Job) -> Callable[[StepContext], Output]:
    return partial(_run_body, body, job)


def _run_body(body: str, job: Job, context: StepContext) -> Output:
    output: Mapping[str, Any] = _body(job.workspace, body, job, context)
    return dict(output)


def _body(workspace: "Workspace", body: str, *given: object) -> Any:
    module, _, function = body.partition(":")
    with workspace.secrets.kept_out_of_errors():  # here, since what a step raises is recorded in more than one place
        return getattr(importlib.import_module(f"headrace.app.steps.{module}"), function)(*given)
