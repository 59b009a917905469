"""An execution on record: a run that is begun or continued, its steps, its end."""

import subprocess
from contextlib import suppress

from headrace.app.workspace import Workspace
from headrace.core.errors import SystemFault
from headrace.core.fingerprints import fingerprint
from headrace.engine.execution import RunResult, execute
from headrace.engine.graph import Graph
from headrace.engine.observers import Observer, shown
from headrace.engine.options import ExecuteOptions
from headrace.ledger import runs
from headrace.ledger.errors import LockLost
from headrace.ledger.runs import NewRun, Run
from headrace.ledger.session import Session


def code_of(graph: Graph) -> str:
    """Return what a run of a graph is known by: equal graphs have equal codes."""
    return fingerprint([step.fingerprint for step in graph.steps.values()])


def start_run(session: Session, workspace: Workspace, kind: str, code: str, **more: str) -> Run:
    """Record that a run has started, with `more` details."""
    project = workspace.project
    details = {**workspace.machine, "commit": _commit(workspace), **more}
    return runs.start(session, NewRun(project=project.name, kind=kind, code=code, seed=project.seed, details=details))


def carry_out(workspace: Workspace, graph: Graph, options: ExecuteOptions, progress: Observer | None = None) -> RunResult:
    """Execute the steps; if that fails, record that the run has failed."""
    try:
        with shown(progress):
            return execute(graph, options)
    except (KeyboardInterrupt, LockLost):
        raise  # the run stays "running" in the ledger: the next one, or the one that has the lock now, goes on with it
    except Exception as error:  # a failed step, a store, a defect: whatever ended the run goes on record with it, and on to the caller
        # The ledger may be what failed: then the run stays "running" there, and the next one goes on with it.
        with suppress(SystemFault):
            finish_run(workspace, options.run_id, runs.FAILED, str(error))
        raise


def finish_run(workspace: Workspace, run_id: str, state: str, error: str | None = None) -> None:
    """Record how a run ended."""
    with workspace.ledger.write(workspace.identity.name, "run.finish", run_id) as session:
        runs.finish(session, run_id, state, error=workspace.secrets.redact(error) if error else None)


def _commit(workspace: Workspace) -> str:
    """Return the git commit of the project's folder, with a mark when it has changes; empty outside git."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
        done = subprocess.run(command, cwd=workspace.root, capture_output=True, text=True, timeout=5)  # noqa: S603  a fixed command
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
