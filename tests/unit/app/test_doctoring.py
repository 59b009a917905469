"""What the doctor does beside others, and what it does not show."""

from headrace.app.doctor.patient import Patient
from headrace.app.doctor.records import check_workflows
from headrace.app.doctoring import _examined
from headrace.app.loading import load_project
from headrace.app.locking import run_lock
from headrace.app.settings import read_settings
from headrace.app.workspace import Workspace
from headrace.ledger import runs
from headrace.ledger.runs import NewRun


def opened(folder, **environment):
    path = folder / "project.py"
    return Workspace(load_project(path), read_settings(path, environment), {"HEADRACE_USER": "ana"})


def lines_and_locks(doctor, other, mending):
    """Return for each finding what it tells, and whether a run could have begun then."""
    found = {}
    for line in _examined(doctor, mending):
        with run_lock(other) as hold:
            found[line.check] = (line, hold is not None)
    return found


def test_no_run_begins_while_records_are_mended_and_any_while_they_are_looked_at(folder):
    doctor, other = opened(folder), opened(folder)
    with other.ledger.write("ana", "run.start") as session:
        runs.start(session, NewRun(project="shop"))
    looked = lines_and_locks(doctor, other, mending=False)
    assert not looked["runs"][0].well
    assert looked["runs"][1]
    assert looked["leftovers"][1]
    fixed = lines_and_locks(doctor, other, mending=True)
    assert fixed["runs"][0].mended
    assert not any(free for name, (_, free) in fixed.items() if name in ("audit", "runs", "state", "leftovers"))
    with other.ledger.read() as session:
        assert not runs.list_runs(session, "shop", state=runs.RUNNING)
    with run_lock(other) as hold:
        assert hold is not None
    doctor.close()
    other.close()


def test_the_password_of_the_store_of_durable_runs_is_not_shown(folder):
    workspace = opened(folder, HEADRACE_LEDGER="postgresql://ana@127.0.0.1:1/db?password=hush")
    (line,) = check_workflows(Patient(workspace, mending=False, alone=True))
    assert "db?password=*** does not answer" in line.finding
    assert "hush" not in line.finding
