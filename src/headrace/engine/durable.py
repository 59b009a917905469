"""A graph's execution as a DBOS workflow in a store that several machines share: a run that was killed goes on where it was.

How a run maps to DBOS 3. An execution is one workflow; every step that runs is one DBOS step of it, with its own record. DBOS tells
steps apart by the order in which a workflow asks for them, and steps in parallel threads ask in no fixed order: so the workflow
reserves an id for each step of the graph, in the graph's order, before the first one starts (`DBOS.reserve_step`, made for this).
The workflow's id is the run's id, the graph's fingerprint and the number of the attempt:

- the fingerprint, because the records of one graph are no use to another: a project edited between kill and resume starts anew, and
  the memo gives what is still valid;
- the attempt, because DBOS keeps an ended workflow's result for ever: executing a run that ended with a failure tries again.

Executor and application version are the run's id. DBOS recovers at launch what its executor left pending, and hands queued work to
any process of the same version: this way a process meets only its own run, whose functions it has.

Records are JSON, never pickles, as whoever can write to the store must not be able to run code. Retries are the schedule's, as DBOS's wait
without hearing that the run was told to stop. No port is opened, nothing is sent anywhere (no conductor key, no OTLP), and its log is shut.
"""

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dbos import DBOS, DBOSConfig, Serializer, SetWorkflowID, StepOptions, StepReservation, WorkflowHandle, error
from sqlalchemy.exc import SQLAlchemyError

from headrace.core.secrets import masked
from headrace.engine.errors import DurableStoreFault, RecordedFailure, WorkflowTaken
from headrace.engine.graph import Output
from headrace.engine.schedule import Recorder, Schedule
from headrace.engine.store_watch import StoreWatch

_POLL_SECONDS = 0.05
_RECORD_SECONDS = 3.0
_ERROR = "$error"
_UNFINISHED = ("PENDING", "ENQUEUED")


@dataclasses.dataclass(frozen=True, slots=True)
class DurableRun:
    """What names a run in the store, and the URL of that: a Postgres."""

    run_id: str
    graph_fingerprint: str
    step_names: tuple[str, ...]
    store_url: str


class JsonRecords(Serializer):
    """Keeps DBOS's records as JSON text; of an error only its class and words, from which the steps have taken the secrets."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, Exception):
            data = {_ERROR: [type(data).__name__, str(data)]}
        return json.dumps(data)

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        if isinstance(data, dict) and _ERROR in data:
            return RecordedFailure(*data[_ERROR])
        return data

    def name(self) -> str:
        return "headrace_json"


class _Execution:
    """The functions that belong to a workflow which DBOS knows by name only."""

    def __init__(self, run: DurableRun, schedule: Schedule) -> None:
        self.run = run
        self.schedule = schedule
        self.error: BaseException | None = None
        self.ended = threading.Event()

    def body(self) -> None:
        try:
            self.schedule.run({name: _recorder(name, DBOS.reserve_step()) for name in self.run.step_names})
        except BaseException as raised:  # what DBOS hands back is a record of it: whoever waits gets the error itself
            self.error = raised
            raise
        finally:
            self.ended.set()


_one_at_a_time = threading.Lock()
_executions: dict[tuple[str, str], _Execution] = {}


@DBOS.workflow(name="headrace.run")
def _workflow(run_id: str, graph_fingerprint: str) -> str:
    execution = _executions.get((run_id, graph_fingerprint))
    if execution is None:
        return "superseded"
    execution.body()
    return "finished"


def run_durably(run: DurableRun, schedule: Schedule) -> None:
    """Run a schedule as a workflow, or continue the workflow that was interrupted.

    Raises:
        Exception: what an observer raised.
        DurableStoreFault: if the store cannot be used.
        KeyboardInterrupt: after the schedule was told to stop; the workflow stays unfinished, to be continued.
    """
    key = (run.run_id, run.graph_fingerprint)
    with _one_at_a_time, _store_faults(run.store_url):
        execution = _executions[key] = _Execution(run, schedule)
        try:
            with _launched(run):
                _wait(_start_or_continue(run), execution, StoreWatch(run.store_url))
        finally:
            del _executions[key]
    if execution.error is not None:
        raise execution.error


def _start_or_continue(run: DurableRun) -> "WorkflowHandle[str]":
    attempt = 1
    while True:
        workflow_id = f"{run.run_id}.{run.graph_fingerprint[:16]}.{attempt}"
        status = DBOS.get_workflow_status(workflow_id)
        if status is None:
            with SetWorkflowID(workflow_id):
                return DBOS.start_workflow(_workflow, run.run_id, run.graph_fingerprint)
        if status.status in _UNFINISHED:
            return DBOS.retrieve_workflow(workflow_id)
        attempt += 1


def _wait(handle: "WorkflowHandle[str]", execution: _Execution, store: StoreWatch) -> None:
    try:
        # A wait without end is not woken by Ctrl-C when the system gives the signal to another thread.
        while not execution.ended.wait(_POLL_SECONDS):
            store.confirm()
        # The workflow's end is on record a moment after its body's, if it can be: a full disk takes none. Without it the next execution
        # finds a workflow to go on with, whose steps are all on record.
        deadline = time.monotonic() + _RECORD_SECONDS
        while handle.get_status().status in _UNFINISHED and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
    except (KeyboardInterrupt, SQLAlchemyError):
        execution.schedule.stop()
        raise


def _recorder(name: str, reservation: StepReservation) -> Recorder:
    options: StepOptions = {"name": name, "retries_allowed": False}

    def record(work: Callable[[], Output]) -> Output:
        try:
            return reservation.run(options, work)
        except error.DBOSWorkflowConflictIDError as conflict:
            # No Exception to DBOS, and nobody would hear of the step's end: another process goes on with the run by now.
            raise WorkflowTaken(name) from conflict

    return record


@contextmanager
def _launched(run: DurableRun) -> Iterator[None]:
    config: DBOSConfig = {
        "name": "headrace",
        "system_database_url": run.store_url,
        "executor_id": run.run_id,
        "application_version": run.run_id,
        "serializer": JsonRecords(),
        "log_level": "CRITICAL",
        "enable_otlp": False,
        # Nobody sends notifications; the listener only delays the end by as long as it sleeps.
        "notification_listener_polling_interval_sec": _POLL_SECONDS,
    }
    DBOS(config=config)
    try:
        DBOS.launch()
        yield
    finally:
        DBOS.destroy()


@contextmanager
def _store_faults(store_url: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, error.DBOSException) as fault:
        raise DurableStoreFault(masked(store_url), fault) from fault
