"""A snapshot becomes a model version: on the same way as one that a run has trained, in a run of its own."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from headrace.app.executing import code_of, finish_run, start_run
from headrace.app.learning.bundling import bundle
from headrace.app.learning.evaluating import evaluate
from headrace.app.learning.facts import SNAPSHOT
from headrace.app.learning.judging import judge
from headrace.app.learning.snapshot import Snapshot
from headrace.app.learning.work import Work
from headrace.app.locking import turn_to_record
from headrace.app.models import label
from headrace.app.recording import LedgerMemo, StepRecorder
from headrace.app.workspace import Workspace
from headrace.core.errors import SystemFault
from headrace.core.fingerprints import fingerprint
from headrace.costs.meter import Meter
from headrace.costs.prices import Prices
from headrace.engine.errors import StepFailed
from headrace.engine.execution import execute
from headrace.engine.graph import Graph, Output, Step, StepContext
from headrace.engine.options import ExecuteOptions
from headrace.ledger import evaluations, models, runs
from headrace.ledger.locks import Hold
from headrace.ledger.models import ModelVersion
from headrace.ledger.session import Session
from headrace.spec.model import Model
from headrace.training.online.measured import PROGRESSIVE

CODE_VERSION = 1
"""Raise it when a step gives another result for the same snapshot."""


class RecordedSnapshot(NamedTuple):
    """The version that a snapshot became: its state in the ledger, and what the model's metric is on the snapshot's questions."""

    number: int
    label: str
    state: str
    metric: str
    value: float | None
    questions: int


def record(workspace: Workspace, model: Model, snapshot: Snapshot) -> RecordedSnapshot | None:
    """Make a version of a snapshot: evaluated, bundled, judged, and the champion if it passed and needs no approval.

    Exactly one, however often this is called, and wherever it was killed before. None: a run of the project is at work; call again
    later, with the same snapshot first.

    Raises:
        SystemFault: if the lake or the ledger is away: call again.
        StepFailed: if a step failed for what does not pass by itself.
    """
    work = Work(workspace, model, snapshot)
    with turn_to_record(workspace) as held:
        if held is None:
            return None
        if _settled(work) is None:
            _execute(work, held)
        else:
            _end_killed(work)
    with workspace.ledger.read() as session:
        return _recorded(session, work)


def _graph(work: Work) -> Graph:
    """Return the steps. Their fingerprints say by which rules, and against whom, the snapshot is judged: where that has changed since
    it was killed, it is judged anew."""
    model, champion, steps = work.model, work.champion, list[Step]()
    rules = (model.gates, model.approve, model.metric, champion.id if champion else None)
    meaning: tuple[object, ...] = (work.workspace.project.name, work.snapshot.id, *rules)
    bodies: dict[str, Callable[[Work, StepContext], Output]] = {"evaluate": evaluate, "bundle": bundle, "judge": judge}
    for kind, body in bodies.items():
        print_ = fingerprint("learnt", kind, CODE_VERSION, *meaning)
        steps.append(Step(f"{kind}:{model.name}", print_, tuple(step.name for step in steps), partial(_run, body, work)))
    return Graph(steps)


def _run(body: Callable[[Work, StepContext], Output], work: Work, context: StepContext) -> Output:
    with work.workspace.secrets.kept_out_of_errors():
        return body(work, context)


def _execute(work: Work, held: Hold) -> None:
    workspace, graph = work.workspace, _graph(work)
    run_id = _start_or_continue(work, graph)
    meter = Meter()
    recorder = StepRecorder(workspace, run_id, meter, Prices.load(workspace.settings.prices_file), held)
    memo = LedgerMemo(workspace, [step.fingerprint for step in graph.steps.values()])
    # One process does three short steps: no other machine is to go on with them, so the memo is record enough on any ledger.
    options = ExecuteOptions(run_id=run_id, memo=memo, observers=(meter, recorder), attempts=1, home=str(workspace.settings.home))
    try:
        execute(graph, options)
    except StepFailed as failed:
        if isinstance(failed.cause, SystemFault):  # what is away comes back, and the same run goes on
            raise failed.cause from failed
        finish_run(workspace, run_id, runs.FAILED, str(failed))
        raise
    finish_run(workspace, run_id, runs.FINISHED)


def _start_or_continue(work: Work, graph: Graph) -> str:
    """Return the id of the run: that of one that was killed at the same snapshot, else a new one. Runs of a description are left."""
    workspace, code = work.workspace, code_of(graph)
    with workspace.ledger.write(workspace.identity.name, "run.start") as session:
        for run in _killed(session, work):
            if run.code == code and run.actor == workspace.identity.name:
                session.about(run.id, continued=True)
                return run.id
            runs.finish(session, run.id, runs.INTERRUPTED)
        return start_run(session, workspace, runs.STREAM, code, **{SNAPSHOT: work.snapshot.id}).id


def _killed(session: Session, work: Work) -> list[runs.Run]:
    """Return the runs that were at this snapshot and did not say how they ended; whoever holds the lock knows that nobody works at them."""
    left = runs.list_runs(session, work.workspace.project.name, state=runs.RUNNING, kind=runs.STREAM)
    return [run for run in left if run.details.get(SNAPSHOT) == work.snapshot.id]


def _end_killed(work: Work) -> None:
    """End a run that had done everything but say so."""
    with work.workspace.ledger.read() as session:
        left = _killed(session, work)
    for run in left:
        finish_run(work.workspace, run.id, runs.FINISHED)


def _settled(work: Work) -> ModelVersion | None:
    """Return the version of the snapshot once it is judged."""
    with work.workspace.ledger.read() as session:
        found = models.made_from(session, work.workspace.project.name, work.model.name, work.snapshot.id)
    return None if found is None or found.state == models.CANDIDATE else found


def _recorded(session: Session, work: Work) -> RecordedSnapshot:
    version = models.made_from(session, work.workspace.project.name, work.model.name, work.snapshot.id)
    assert version is not None
    measured = next(each for each in evaluations.of_version(session, version.id) if each.split == PROGRESSIVE)
    metric = version.details["metric"]
    value = next((each.value for each in measured.metrics if each.name == metric), None)
    return RecordedSnapshot(version.number, label(version), version.state, metric, value, measured.rows)
