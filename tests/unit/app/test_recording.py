"""The run as the ledger sees it."""

from decimal import Decimal

import pytest

from headrace.app.executing import finish_run
from headrace.app.locking import run_lock
from headrace.app.recording import StepRecorder
from headrace.costs.meter import Meter
from headrace.costs.prices import Prices
from headrace.engine.observers import Outcome, StepEnd
from headrace.ledger import charges, runs
from headrace.ledger.runs import NewRun

STEP = "ingest:orders"


@pytest.fixture
def held(workspace):
    with run_lock(workspace) as hold:
        yield hold


@pytest.fixture
def run_id(workspace):
    with workspace.ledger.write("ana", "run.start") as session:
        return runs.start(session, NewRun(project="shop")).id


def end_of(outcome):
    return StepEnd(STEP, "f", outcome, 0.1, {"rows": 1})


def work(workspace, run_id, held):
    meter = Meter()
    recorder = StepRecorder(workspace, run_id, meter, Prices.load(), held)
    meter.step_started(STEP)
    sum(n * n for n in range(200_000))
    for observer in (meter, recorder):
        observer.step_finished(end_of(Outcome.DONE))
    return recorder


def on_record(workspace, run_id):
    with workspace.ledger.read() as session:
        return runs.steps_of(session, run_id), charges.of_run(session, run_id)


def test_a_resumed_run_keeps_what_its_steps_used_and_cost_before(workspace, held, run_id):
    first = work(workspace, run_id, held)
    before = on_record(workspace, run_id)
    resumed = StepRecorder(workspace, run_id, Meter(), Prices.load(), held)
    resumed.step_finished(end_of(Outcome.REUSED))
    assert on_record(workspace, run_id) == before
    assert before[0][0].cpu_seconds > 0
    assert resumed.total_usd == first.total_usd == sum(each.amount_usd for each in before[1]) > 0


def test_what_another_run_did_is_reused_here_and_costs_nothing(workspace, held, run_id):
    work(workspace, run_id, held)
    with workspace.ledger.write("ana", "run.start") as session:
        other = runs.start(session, NewRun(project="shop")).id
    recorder = StepRecorder(workspace, other, Meter(), Prices.load(), held)
    recorder.step_finished(end_of(Outcome.REUSED))
    (step,), costs = on_record(workspace, other)
    assert (step.state, step.cpu_seconds, step.started, costs, recorder.total_usd) == ("reused", 0.0, None, (), Decimal(0))


def test_a_secret_in_an_error_is_not_put_on_record(workspace, held, run_id):
    workspace.secrets.hide("hush")
    recorder = StepRecorder(workspace, run_id, Meter(), Prices.load(), held)
    recorder.step_finished(StepEnd(STEP, "f", Outcome.FAILED, 0.1, error=ValueError("no route to db?password=hush")))
    finish_run(workspace, run_id, runs.FAILED, "no route to db?password=hush")
    (step,), _ = on_record(workspace, run_id)
    with workspace.ledger.read() as session:
        (run,) = runs.list_runs(session, "shop")
    assert step.error == run.error == "no route to db?password=***"
