"""The records: settings, the ledger and its chain, runs that nobody runs, the clock, the store of durable runs."""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from headrace.app.doctor.patient import Patient, ill, mended, well
from headrace.app.reports import CheckLine
from headrace.core.secrets import masked
from headrace.core.units import counted
from headrace.costs.prices import Prices
from headrace.ledger import audit, runs
from headrace.ledger.schema_version import HEAD
from headrace.ledger.verification import verify_audit

_CLOCK_DOUBT = timedelta(seconds=5)


def check_settings(patient: Patient) -> Iterator[CheckLine]:
    """Can every setting be used? Reading them has checked all but the prices."""
    settings = patient.workspace.settings
    prices = Prices.load(settings.prices_file)
    yield well("settings", f"{counted(len(settings.values), 'setting')}; prices of {prices.date.isoformat()}")


def check_ledger(patient: Patient) -> Iterator[CheckLine]:
    """Does it answer, may it be written, and is its chain whole? Opening it has checked its schema."""
    ledger = patient.workspace.ledger
    ledger.try_writing()
    found = verify_audit(ledger)
    if found.whole:
        yield well("ledger", f"{ledger.url.removeprefix('sqlite:///')} answers, schema {HEAD}")
        yield well("audit", f"{counted(found.rows, 'row')}, the chain is whole")
    else:
        yield ill("audit", f"the chain is broken: {found.reason}", "Restore the ledger from a backup; see headrace audit verify.")


def check_runs(patient: Patient) -> Iterator[CheckLine]:
    """Is a run marked running that nobody runs?"""
    workspace = patient.workspace
    with workspace.ledger.read() as session:
        left = runs.list_runs(session, workspace.project.name, state=runs.RUNNING)
    if not left:
        yield well("runs", "none was left unfinished")
    elif not patient.alone:
        yield well("runs", f"{left[0].id} is at work")
    elif patient.mending:
        _end(patient, left)
        yield mended("runs", f"{', '.join(run.id for run in left)} had been killed and is recorded as interrupted")
    else:
        told = f"{', '.join(run.id for run in left)} is marked running, and nobody runs it"
        goes_on = "headrace stream" if all(run.kind == runs.STREAM for run in left) else "headrace run"
        yield ill("runs", told, f"{goes_on} goes on with it; headrace doctor --fix gives it up.")


def check_clock(patient: Patient) -> Iterator[CheckLine]:
    """Is it later than what is on record?"""
    with patient.workspace.ledger.read() as session:
        newest = audit.entries(session, limit=1)
    now = patient.workspace.clock.now()
    if newest and newest[0].moment > now + _CLOCK_DOUBT:
        behind = timedelta(seconds=round((newest[0].moment - now).total_seconds()))
        remedy = "Set the clock. Runs complete and stay in order meanwhile, but their moments, and what is known by now, are wrong."
        yield ill("clock", f"it is {behind} behind the newest row of the ledger", remedy)
    else:
        yield well("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, after all that is on record")


def check_workflows(patient: Patient) -> Iterator[CheckLine]:
    """Does the store of durable runs answer, where there is one?"""
    workspace = patient.workspace
    if workspace.workflows_url is None:
        yield from _check_left_behind(patient)
        return
    shown = masked(workspace.workflows_url)
    try:
        engine = create_engine(make_url(workspace.workflows_url).set(drivername="postgresql+psycopg"))
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        engine.dispose()
    except SQLAlchemyError as error:
        said = workspace.secrets.redact(str(getattr(error, "orig", error)))
        yield ill("workflows", f"{shown} does not answer: {said}", "Start the server, or correct the address.")
    else:
        yield well("workflows", f"{shown} answers")


def _check_left_behind(patient: Patient) -> Iterator[CheckLine]:
    """Say nothing of durable runs unless a Headrace that still kept a file of them has been here."""
    path = patient.home / "workflows.db"
    if path.exists():
        yield well("workflows", f"{path} is of an older Headrace; nothing needs it, and it may be removed")


def _end(patient: Patient, left: tuple[runs.Run, ...]) -> None:
    workspace = patient.workspace
    with workspace.ledger.write(workspace.identity.name, "run.finish") as session:
        for run in left:
            runs.finish(session, run.id, runs.INTERRUPTED)
