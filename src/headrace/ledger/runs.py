"""Runs and their steps."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Any

import msgspec

from headrace.ledger.errors import IllegalTransition, NoSuchRecord
from headrace.ledger.schema import run as runs
from headrace.ledger.schema import step as steps
from headrace.ledger.session import Session, columns_of
from headrace.ledger.statements import matching, selection

RUN, STREAM = "run", "stream"
"""Kinds: one of a description, and one that makes a version of what a stream has learnt."""
RUNNING, FINISHED, FAILED, INTERRUPTED = "running", "finished", "failed", "interrupted"
_ENDS = (FINISHED, FAILED, INTERRUPTED)
_END = "UPDATE run SET state = :state, finished = :finished, error = :error, summary = :summary WHERE id = :id AND state = 'running'"


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run about to start.

    `code` is the fingerprint of the description, `details` its options, versions and machine; `id` may be made before.
    """

    project: str
    kind: str = RUN
    code: str = ""
    seed: int = 0
    details: dict[str, Any] = {}
    id: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One execution. `state` is running, finished, failed or interrupted; `actor` is who started it."""

    id: str
    project: str
    kind: str
    state: str
    actor: str
    code: str
    seed: int
    started: datetime
    finished: datetime | None
    error: str | None
    details: dict[str, Any]
    summary: dict[str, Any]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a run. `state` is done, reused, failed or skipped; a step that did not run has no `started` and used nothing."""

    run_id: str
    name: str
    fingerprint: str
    state: str
    finished: datetime
    started: datetime | None = None
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    read_bytes: int = 0
    written_bytes: int = 0
    error: str | None = None
    output: dict[str, Any] = {}


def start(session: Session, new: NewRun) -> Run:
    """Record that a run has started, by the session's actor, now."""
    started = Run(
        **columns_of(new, without=("id",)),
        id=new.id or session.next_id("run", runs), state=RUNNING, actor=session.actor, started=session.now, finished=None, error=None,
        summary={},
    )  # fmt: skip
    session.insert(runs, columns_of(started))
    session.about(started.id, project=new.project, code=new.code)
    return started


def finish(
    session: Session, run_id: str, state: str = FINISHED, *, error: str | None = None, summary: dict[str, Any] | None = None
) -> None:
    """Record how a running run ended: finished, failed or interrupted.

    Raises:
        IllegalTransition: if it is not running, or to a state that is no end.
        NoSuchRecord: if there is no such run.
    """
    end = {"id": run_id, "state": state, "finished": session.now, "error": error, "summary": summary or {}}
    if state not in _ENDS or not session.run(_END, **end):
        present = get(session, run_id).state
        raise IllegalTransition(f"run {run_id}", present, state, _ENDS if present == RUNNING else ())
    session.about(run_id)
    session.details.setdefault("runs", {})[run_id] = state


def record_steps(session: Session, ended: Iterable[Step]) -> None:
    """Record the ends of steps; a step recorded before, by a run that was resumed, is replaced."""
    for run_id, mine in groupby(ended, key=lambda step: step.run_id):
        some = list(mine)
        session.replace(steps, *(columns_of(each) for each in some))
        session.about(run_id)
        session.details.setdefault("steps", {}).update({each.name: each.state for each in some})


def record_step(session: Session, step: Step) -> None:
    """Record a step's end, as `record_steps` does."""
    record_steps(session, [step])


def is_recorded(session: Session, step: Step) -> bool:
    """Tell whether this very end of a step is on record."""
    same = "SELECT name FROM step WHERE run_id = :run_id AND name = :name AND finished = :finished"
    return bool(session.rows(same, run_id=step.run_id, name=step.name, finished=step.finished))


def get(session: Session, run_id: str) -> Run:
    """Return a run by its id.

    Raises:
        NoSuchRecord: if there is none.
    """
    found = session.first(Run, f"{selection(runs)} WHERE id = :id", id=run_id)
    if found is None:
        raise NoSuchRecord("run", run_id)
    return found


def list_runs(
    session: Session, project: str | None = None, *, state: str | None = None, kind: str | None = None, limit: int = 20
) -> tuple[Run, ...]:
    """Return runs, newest first. Those that were interrupted without saying so are found by `state="running"`."""
    wanted = {"project": project, "state": state, "kind": kind}
    return session.all(Run, matching(selection(runs), wanted, "ORDER BY id DESC LIMIT :limit"), **wanted, limit=limit)


def latest(session: Session, project: str, kind: str = RUN) -> Run | None:
    """Return the newest run of a project, or None if there is none."""
    found = list_runs(session, project, kind=kind, limit=1)
    return found[0] if found else None


def steps_of(session: Session, run_id: str) -> tuple[Step, ...]:
    """Return the steps of a run in the order they ended."""
    return session.all(Step, f"{selection(steps)} WHERE run_id = :run_id ORDER BY finished, name", run_id=run_id)
