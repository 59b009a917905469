"""Running a project: as much of its life as the description asks for, doing only what changed."""

import signal
import threading
import time
from dataclasses import replace
from typing import NamedTuple

from headrace.app.current import make_current, notes_on_models
from headrace.app.errors import RunInProgress
from headrace.app.executing import carry_out, code_of, finish_run, start_run
from headrace.app.landing import land_sources, not_asked, to_be_asked
from headrace.app.lifecycle import build_graph
from headrace.app.locking import run_lock, turn_to_run
from headrace.app.models import model_report
from headrace.app.recording import LedgerMemo, StepRecorder
from headrace.app.reports import ModelReport, PlanReport, RunReport, StepLine
from headrace.app.settings import HERE
from headrace.app.sources import asked_tables
from headrace.app.store import claim_lake
from headrace.app.streamed import require_streamed, streamed_lines
from headrace.app.workspace import Workspace
from headrace.core.allocation import reuse_freed_memory
from headrace.costs.meter import Meter
from headrace.costs.prices import Prices
from headrace.costs.readings import Reading, read_totals
from headrace.engine.execution import RunResult
from headrace.engine.graph import Graph
from headrace.engine.observers import Observer, Outcome
from headrace.engine.options import ExecuteOptions
from headrace.ledger import models, runs
from headrace.ledger.locks import Hold
from headrace.ledger.runs import Run


def plan_run(workspace: Workspace) -> PlanReport:
    """Return what a run would do."""
    graph, memo, _ = _plan(workspace)
    to_run = [name for name, step in graph.steps.items() if memo.find(step.fingerprint) is None]
    return PlanReport(
        to_run=to_run, unchanged=len(graph.names) - len(to_run), asks=to_be_asked(workspace), streamed=streamed_lines(workspace)
    )


def run_project(workspace: Workspace, progress: Observer | None = None, *, offline: bool = False) -> RunReport:
    """Ask the sources that are asked, then run what changed; a run that was killed is continued under its own id.

    Raises:
        SourceUnreachable and what else a source's reader raises, before anything runs.
        StepFailed: if a step failed; what does not depend on it is done and kept.
        RunInProgress: if another process runs this project now.
        NotLanded: if a source is not to be asked (`offline`) and never was.
        NotStreamed: if nothing was streamed yet into a table that `headrace stream` fills.
        NothingLogged: if a model learns from what was served, and nothing was.
    """
    started = time.monotonic()
    _hear_ctrl_c()
    require_streamed(workspace)
    _require_log(workspace)
    notes = not_asked(workspace) if offline else []
    asking = not offline and bool(asked_tables(workspace.project))
    planned = None if asking else _plan(workspace)
    if planned is not None and planned.is_done and not _was_killed_at_the_end(workspace, planned):
        _end_leftovers(workspace)
        return _nothing_to_do(workspace, planned, started, notes)
    reuse_freed_memory()
    _load_tables(workspace)
    with turn_to_run(workspace) as held:
        if held is None:
            raise RunInProgress(workspace.project.name)
        if planned is None:
            planned, notes = _asked(workspace, progress)
            if planned.is_done and not _was_killed_at_the_end(workspace, planned):
                _end_interrupted(workspace)
                return _nothing_to_do(workspace, planned, started, notes)
        else:  # what another process did while this one read the sources is known now
            planned = planned._replace(memo=_memo(workspace, planned.graph))
        return _execute(workspace, planned, held, progress, started, notes)


class _Plan(NamedTuple):
    """The steps, at which prices, and what is known of them."""

    graph: Graph
    memo: LedgerMemo
    prices: Prices

    @property
    def is_done(self) -> bool:
        return all(self.memo.find(step.fingerprint) is not None for step in self.graph.steps.values())


def _plan(workspace: Workspace) -> _Plan:
    prices = _prices(workspace)
    graph = build_graph(workspace, prices.vcpu_second)
    return _Plan(graph, _memo(workspace, graph), prices)


def _memo(workspace: Workspace, graph: Graph) -> LedgerMemo:
    return LedgerMemo(workspace, [step.fingerprint for step in graph.steps.values()])


def _asked(workspace: Workspace, progress: Observer | None) -> tuple[_Plan, list[str]]:
    """Ask the sources, unless a run was killed that had asked them: it goes on with the same rows."""
    left = [run for run in _interrupted(workspace) if run.actor == workspace.identity.name]
    before = _plan(workspace) if left else None
    killed = next((run.id for run in left if before is not None and run.code == code_of(before.graph)), None)
    if before is not None and killed and not before.is_done:
        return before, [f"No source was asked: {killed} goes on with the rows it began with. Run again to ask for new ones."]
    land_sources(workspace, progress)
    return _plan(workspace), []


def _nothing_to_do(workspace: Workspace, planned: _Plan, started: float, notes: list[str]) -> RunReport:
    graph, memo = planned.graph, planned.memo
    outputs = {name: memo.find(step.fingerprint) or {} for name, step in graph.steps.items()}
    make_current(workspace, graph, outputs)
    return RunReport(
        run_id=None,
        actor=workspace.identity.name,
        seconds=time.monotonic() - started,
        steps=[StepLine(name=name, outcome="reused", seconds=0.0, summary="") for name in graph.names],
        models=[],
        cost_usd="0",
        notes=[*notes, *notes_on_models(workspace, outputs)],
    )


def _was_killed_at_the_end(workspace: Workspace, planned: _Plan) -> bool:
    """Tell whether a run of this description had done everything but say so: it is brought to its end under its own id."""
    mine = (workspace.identity.name, code_of(planned.graph))
    return any((run.actor, run.code) == mine for run in _interrupted(workspace))


def _end_leftovers(workspace: Workspace) -> None:
    """End runs that were killed and that nobody will continue, since nothing is left to be done."""
    if not _interrupted(workspace):
        return
    with run_lock(workspace) as held:
        if held is not None:
            _end_interrupted(workspace)


def _end_interrupted(workspace: Workspace) -> None:
    for run in _interrupted(workspace):
        finish_run(workspace, run.id, runs.INTERRUPTED)


def _interrupted(workspace: Workspace) -> tuple[Run, ...]:
    """Return the runs that have not ended; whoever holds the lock knows that nobody works at them."""
    with workspace.ledger.read() as session:
        return runs.list_runs(session, workspace.project.name, state=runs.RUNNING)


def _execute(workspace: Workspace, planned: _Plan, held: Hold, progress: Observer | None, started: float, notes: list[str]) -> RunReport:
    run_id = _start_or_continue(workspace, planned.graph)
    claim_lake(workspace)
    if workspace.settings.engine != HERE:
        from headrace.app.spreading import remove_leftovers  # it comes with Polars, which a run that finds nothing to do does without

        remove_leftovers(workspace)
    meter = Meter(lambda: _everywhere(workspace))
    recorder = StepRecorder(workspace, run_id, meter, planned.prices, held)
    observers = (meter, recorder, *((progress,) if progress else ()))
    result = carry_out(workspace, planned.graph, _options(workspace, planned, run_id, observers), progress)
    make_current(workspace, planned.graph, result.outputs)
    finish_run(workspace, run_id, runs.FINISHED)
    return RunReport(
        run_id=run_id,
        actor=workspace.identity.name,
        seconds=time.monotonic() - started,
        steps=[
            StepLine(name=name, outcome=str(end.outcome), seconds=end.seconds, summary=end.summary) for name, end in result.ends.items()
        ],
        models=_made(workspace, result),
        cost_usd=str(recorder.total_usd),
        notes=notes,
    )


def _options(workspace: Workspace, planned: _Plan, run_id: str, observers: tuple[Observer, ...]) -> ExecuteOptions:
    return ExecuteOptions(
        run_id=run_id,
        memo=planned.memo,
        store_url=workspace.workflows_url,
        observers=observers,
        workers=workspace.settings.workers,
        step_timeout=workspace.settings.step_timeout,
        home=str(workspace.settings.home),
    )


def _everywhere(workspace: Workspace) -> Reading:
    """Return what this process has used, and the executor's workers for it. What they read and write is not known."""
    here = read_totals()
    return replace(here, cpu_us=here.cpu_us + round(workspace.executor.cpu_seconds * 1e6))


def _made(workspace: Workspace, result: RunResult) -> list[ModelReport]:
    """Return the reports of the models of which this run made a version."""
    reports = []
    with workspace.ledger.read() as session:
        for model in workspace.project.models:
            if result.ends[f"judge:{model.name}"].outcome is Outcome.DONE:
                version = models.latest(session, workspace.project.name, model.name)
                assert version is not None
                reports.append(model_report(session, workspace.project, version))
    return reports


def _start_or_continue(workspace: Workspace, graph: Graph) -> str:
    """Return the id of the run: that of an interrupted one of the same graph, else a new one. Others that were interrupted are ended."""
    code = code_of(graph)
    with workspace.ledger.write(workspace.identity.name, "run.start") as session:
        for run in runs.list_runs(session, workspace.project.name, state=runs.RUNNING):
            if run.code == code and run.actor == workspace.identity.name:
                session.about(run.id, continued=True)
                return run.id
            runs.finish(session, run.id, runs.INTERRUPTED)
        return start_run(session, workspace, runs.RUN, code).id


def _require_log(workspace: Workspace) -> None:
    if any(model.features.from_log for model in workspace.project.models):
        from headrace.app.served_log import require_log  # it comes with Polars, which a run that finds nothing to do does without

        require_log(workspace)


def _load_tables(workspace: Workspace) -> None:
    """Load Polars, and connect to a cluster, by the thread that is to have Ctrl-C: kept out of a run that finds nothing to do."""
    import polars  # noqa: F401 - to have it loaded

    _connected = workspace.executor
    _hear_ctrl_c()


def _hear_ctrl_c() -> None:
    """Let the main thread have Ctrl-C. Polars, when imported, puts a handler of its own before Python's, which lets waits go on as if
    nothing had happened, and raises in the thread that computes. Setting Python's handler again puts that one back in its place."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is threading.main_thread() and handler is not None:
        signal.signal(signal.SIGINT, handler)


def _prices(workspace: Workspace) -> Prices:
    return Prices.load(workspace.settings.prices_file)
