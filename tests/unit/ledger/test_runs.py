from datetime import timedelta

import pytest

from headrace.core.clock import FixedClock
from headrace.ledger import audit, runs
from headrace.ledger.errors import IllegalTransition, NoSuchRecord
from headrace.ledger.runs import NewRun, Run, Step
from headrace.ledger.store import Ledger


def start(ledger: Ledger, project: str = "flights", kind: str = "run") -> Run:
    with ledger.write("ana", "run.start") as session:
        return runs.start(session, NewRun(project=project, kind=kind, code="c0de", seed=7, details={"workers": 2}))


def test_a_run_starts_and_finishes(ledger: Ledger, clock: FixedClock) -> None:
    begun = start(ledger)
    assert (begun.state, begun.actor, begun.started, begun.finished) == ("running", "ana", clock.now(), None)
    with ledger.read() as session:
        assert runs.get(session, begun.id) == begun
    clock.moment += timedelta(minutes=2)
    with ledger.write("ana", "run.finish") as session:
        runs.finish(session, begun.id, summary={"steps": 3})
    with ledger.read() as session:
        ended = runs.get(session, begun.id)
        (row, _) = audit.entries(session, subject=begun.id)
    assert (ended.state, ended.finished, ended.summary) == ("finished", clock.now(), {"steps": 3})
    assert row.details == {"runs": {begun.id: "finished"}}


def test_a_run_ends_once(ledger: Ledger) -> None:
    begun = start(ledger)
    with ledger.write("ana", "run.finish") as session:
        runs.finish(session, begun.id, runs.FAILED, error="out of rows")
        with pytest.raises(IllegalTransition, match="'failed'"):
            runs.finish(session, begun.id)
        assert runs.get(session, begun.id).error == "out of rows"


def test_running_is_no_end(ledger: Ledger) -> None:
    begun = start(ledger)
    with ledger.write("ana", "run.finish") as session, pytest.raises(IllegalTransition, match="interrupted"):
        runs.finish(session, begun.id, runs.RUNNING)


def test_an_unknown_run_is_named(ledger: Ledger) -> None:
    with ledger.read() as session, pytest.raises(NoSuchRecord, match="run_nowhere"):
        runs.get(session, "run_nowhere")


def test_runs_are_listed_newest_first_and_filtered(ledger: Ledger) -> None:
    first, second, other = start(ledger), start(ledger, kind="publish"), start(ledger, project="weather")
    with ledger.write("ana", "run.finish") as session:
        runs.finish(session, first.id)
    with ledger.read() as session:
        assert [run.id for run in runs.list_runs(session)] == [other.id, second.id, first.id]
        assert [run.id for run in runs.list_runs(session, "flights", limit=1)] == [second.id]
        assert [run.id for run in runs.list_runs(session, state="running")] == [other.id, second.id]
        assert runs.latest(session, "flights").id == first.id
        assert runs.latest(session, "nothing") is None


@pytest.mark.parametrize(
    ("wanted", "index"),
    [("project = 'p' ORDER BY id DESC", "ix_run_project_id"), ("state = 'running' AND project = 'p'", "ix_run_state_project")],
)
def test_lists_of_many_runs_have_their_index(ledger: Ledger, wanted: str, index: str) -> None:
    with ledger.read() as session:
        plan = [row["detail"] for row in session.rows(f"EXPLAIN QUERY PLAN SELECT * FROM run WHERE {wanted} LIMIT 20")]
    assert index in " ".join(plan)
    assert "TEMP B-TREE" not in " ".join(plan)


def test_steps_are_recorded_and_replaced_when_resumed(ledger: Ledger, clock: FixedClock, run_id: str) -> None:
    ingest = Step(
        run_id=run_id, name="ingest", fingerprint="a", state="done", started=clock.now(), finished=clock.now(), peak_bytes=5 * 2**32
    )
    with ledger.write("ana", "steps") as session:
        runs.record_steps(
            session, [ingest, Step(run_id=run_id, name="train", fingerprint="b", state="failed", finished=clock.now(), error="no")]
        )
    clock.moment += timedelta(seconds=1)
    again = Step(run_id=run_id, name="train", fingerprint="b", state="done", finished=clock.now(), output={"version": 3}, wall_seconds=0.5)
    with ledger.write("ana", "step") as session:
        runs.record_step(session, again)
    with ledger.read() as session:
        assert runs.steps_of(session, run_id) == (ingest, again)
        assert audit.entries(session, subject=run_id)[0].details == {"steps": {"train": "done"}}
