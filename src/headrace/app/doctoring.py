"""Looking for what is wrong with a project's home, and mending what can be mended."""

from collections.abc import Iterator
from contextlib import ExitStack

from headrace.app.doctor import home, records, stored, streams
from headrace.app.doctor.patient import Check, Patient, ill
from headrace.app.locking import is_at_work, run_lock
from headrace.app.reports import CheckLine, DoctorReport
from headrace.app.workspace import Workspace
from headrace.core.errors import HeadraceError
from headrace.core.storage import named_fault

_OF_THE_HOME: tuple[tuple[str, Check], ...] = (
    ("home", home.check_room),
    ("gitignore", home.check_hidden),
    ("keys", home.check_keys),
    ("settings", records.check_settings),
    ("lake", stored.check_lake),
)
_BEFORE_THE_FIRST_RUN = (_OF_THE_HOME[0], *_OF_THE_HOME[-2:])
_CHECK_PATH = "Check that path; headrace settings tells where it is set."
_OF_THE_RECORDS: tuple[tuple[str, Check], ...] = (
    ("ledger", records.check_ledger),
    ("runs", records.check_runs),
    ("clock", records.check_clock),
    ("workflows", records.check_workflows),
    ("tables", stored.check_tables),
    ("bundles", stored.check_bundles),
    ("state", stored.check_state),
    ("streams", streams.check_streams),
    ("leftovers", home.check_leftovers),
    ("spread", streams.check_spread),
)


def examine(workspace: Workspace, *, mending: bool = False) -> DoctorReport:
    """Look at everything, and mend what can be mended without losing anything if asked to; a fault that is met is a finding.

    Safe beside a run that is at work: what is that run's is left alone.
    """
    checks = list(_examined(workspace, mending))
    return DoctorReport(project=workspace.project.name, whole=all(line.well for line in checks), checks=checks)


def _examined(workspace: Workspace, mending: bool) -> Iterator[CheckLine]:
    if not workspace.settings.home.exists():
        for name, check in _BEFORE_THE_FIRST_RUN:
            yield from _told(name, check, Patient(workspace, mending, alone=False))
        return
    for name, check in _OF_THE_HOME:
        yield from _told(name, check, Patient(workspace, mending, alone=False))
    with ExitStack() as lock:
        try:
            # A run may begin while we only look.
            alone = lock.enter_context(run_lock(workspace)) is not None if mending else not is_at_work(workspace)
        except HeadraceError as error:
            yield _finding("ledger", error)
            return
        for name, check in _OF_THE_RECORDS:
            yield from _told(name, check, Patient(workspace, mending, alone))


def _told(name: str, check: Check, patient: Patient) -> Iterator[CheckLine]:
    try:
        yield from check(patient)
    except (HeadraceError, OSError) as error:
        yield _finding(name, error)


def _finding(name: str, error: Exception) -> CheckLine:
    fault = named_fault(error)
    problem = fault.problem if isinstance(fault, HeadraceError) else str(fault)
    return ill(name, problem, fault.remedy if isinstance(fault, HeadraceError) else _CHECK_PATH)
