"""What there is: status, runs, models, tables, the audit."""

from collections.abc import Sequence

import msgspec

from headrace.app.locking import is_at_work
from headrace.app.models import model_report
from headrace.app.presence import presence_of
from headrace.app.reports import AuditReport, ModelReport, Report, RunLine, RunReport, StepLine, TableLine, TableReport
from headrace.app.status_reports import AskedModel, FollowedTable, StatusReport
from headrace.app.streamed import streamed_tables
from headrace.app.workspace import Workspace
from headrace.core.units import counted
from headrace.ingest.finding import Finding
from headrace.ledger import charges, freed, models, runs, tables
from headrace.ledger.errors import NoSuchRecord
from headrace.ledger.runs import Run
from headrace.ledger.session import Session
from headrace.ledger.tables import TableVersion
from headrace.ledger.verification import verify_audit
from headrace.spec.errors import UnknownName

_LEFT = {
    runs.RUN: "nobody works at it; headrace run goes on from what it had done",
    runs.STREAM: "nobody works at it; headrace stream goes on from what it had done",
}
_LEARNT = "It made a version of what the stream had learnt."


def status(workspace: Workspace) -> StatusReport:
    """Return how the project stands."""
    project = workspace.project
    streams, asked = _streams(workspace)
    with workspace.ledger.read() as session:
        found = [tables.latest(session, project.name, table.name) for table in project.tables()]
        versions = [_notable(session, project.name, model.name) for model in project.models]
        return StatusReport(
            project=project.name,
            home=str(workspace.settings.home),
            tables=[table_line(each) for each in found if each is not None],
            models=[model_report(session, project, each) for several in versions for each in several],
            last_runs=list(_run_lines(workspace, session, runs.list_runs(session, project.name, limit=5))),
            cost_usd=str(sum(total.amount_usd for total in charges.totals(session, "project", project=project.name))),
            streams=streams,
            asked=asked,
        )


def list_runs(workspace: Workspace, limit: int) -> Sequence[RunLine]:
    """Return runs, newest first."""
    with workspace.ledger.read() as session:
        return _run_lines(workspace, session, runs.list_runs(session, workspace.project.name, limit=limit))


def show(workspace: Workspace, what: str) -> Report:
    """Return a run, a model, a model's version or a table by its name.

    Raises:
        UnknownName: if nothing is called so.
    """
    project = workspace.project
    with workspace.ledger.read() as session:
        if what.startswith("run_"):
            return _show_run(workspace, session, what)
        name, _, number = what.partition("@")
        if name in [model.name for model in project.models]:
            return _show_model(session, workspace, name, number)
        if what in [table.name for table in project.tables()]:
            return _show_table(session, workspace, what)
    raise UnknownName("run, model or table", what, [*(model.name for model in project.models), *(table.name for table in project.tables())])


def verify(workspace: Workspace) -> AuditReport:
    """Check the audit's chain."""
    found = verify_audit(workspace.ledger)
    return AuditReport(rows=found.rows, head=f"{found.head.sequence}:{found.head.hash}", whole=found.whole, reason=found.reason)


def table_line(version: TableVersion) -> TableLine:
    """Return a table's version in a line."""
    return TableLine(
        name=version.name,
        version=version.version,
        rows=version.accepted,
        quarantined=version.quarantined,
        duplicates=version.duplicates,
        made=version.created,
    )


def _streams(workspace: Workspace) -> tuple[list[FollowedTable], list[AskedModel]]:
    if not streamed_tables(workspace.project):
        return [], []
    # Kept here: it brings the table engine in, which a project without streams does without.
    from headrace.app.standing import streams_standing

    return streams_standing(workspace)


def _notable(session: Session, project: str, model: str) -> list[models.ModelVersion]:
    """Return the champion and, where it is another, the newest version."""
    newest, champion = models.latest(session, project, model), models.champion(session, project, model)
    return [each for each in (champion, newest if newest and (champion is None or newest.id != champion.id) else None) if each is not None]


def _run_lines(workspace: Workspace, session: Session, found: Sequence[Run]) -> Sequence[RunLine]:
    left = _left(workspace, found)
    return [
        RunLine(
            run_id=run.id,
            kind=run.kind,
            state=run.state,
            told=runs.INTERRUPTED if run.id in left else run.state,
            actor=run.actor,
            started=run.started,
            finished=run.finished,
            cost_usd=str(sum(charge.amount_usd for charge in charges.of_run(session, run.id))),
            error=_LEFT[run.kind] if run.id in left else (run.error or "").partition("\n")[0] or None,
        )
        for run in found
    ]


def _left(workspace: Workspace, found: Sequence[Run]) -> frozenset[str]:
    """Return which are recorded as running while nobody runs them: their process died, or the ledger was away when it failed."""
    running = frozenset(run.id for run in found if run.state == runs.RUNNING)
    if not running or is_at_work(workspace):
        return frozenset()
    with workspace.ledger.read() as session:  # one that ended a moment ago has recorded it, and let go of the lock
        return running & {run.id for run in runs.list_runs(session, workspace.project.name, state=runs.RUNNING)}


def _show_run(workspace: Workspace, session: Session, run_id: str) -> RunReport:
    run = runs.get(session, run_id)
    steps = [
        StepLine(name=step.name, outcome=step.state, seconds=step.wall_seconds, summary=step.error or str(step.output.get("summary", "")))
        for step in runs.steps_of(session, run_id)
    ]
    seconds = max(0.0, (run.finished - run.started).total_seconds()) if run.finished else 0.0  # the clock may have been set back
    total = sum(charge.amount_usd for charge in charges.of_run(session, run_id))
    notes = [f"It was interrupted: {_LEFT[run.kind]}."] if _left(workspace, [run]) else []
    notes += [_LEARNT] if run.kind == runs.STREAM and run.state == runs.FINISHED else []
    return RunReport(run_id=run.id, actor=run.actor, seconds=seconds, steps=steps, models=[], cost_usd=str(total), notes=notes)


def _show_model(session: Session, workspace: Workspace, name: str, number: str) -> ModelReport:
    project = workspace.project.name
    if number:
        version = models.find(session, project, name, int(number)) if number.isdecimal() else None
    else:
        version = models.latest(session, project, name)
    if version is None:
        numbers = [f"{name}@{each.number}" for each in models.list_versions(session, project, name)]
        raise (
            UnknownName("model version", f"{name}@{number}" if number else name, numbers)
            if numbers
            else NoSuchRecord("version of", name, remedy="Train one: headrace run")
        )
    report = model_report(session, workspace.project, version)
    gone = freed.find_blob(session, version.bundle_location) if version.bundle_location else None
    if gone is None or presence_of(workspace).blob(gone.name):
        return report
    told = f"Its bundle was freed at {gone.freed:%Y-%m-%d %H:%M} UTC by the retention rule {gone.rule}."
    return msgspec.structs.replace(report, next_step=f"{report.next_step} {told}")


def _show_table(session: Session, workspace: Workspace, name: str) -> TableReport:
    # Kept here: where a table lies is the only thing about it that needs the table engine.
    from headrace.app.store import lake_of

    version = tables.latest(session, workspace.project.name, name)
    if version is None:
        raise NoSuchRecord("version of the table", name, remedy="Ingest it: headrace run")
    gone = freed.find(session, version.project, freed.TABLE, name, version.version)
    rules = [
        {
            "rule": each.rule,
            "severity": each.severity,
            "passed": each.passed,
            "message": each.message or (counted(each.failing_rows, "row") if each.failing_rows else ""),
        }
        for each in tables.contract_results(session, version.id)
    ]
    return TableReport(
        line=table_line(version),
        location=lake_of(workspace).tables.location(name),
        freed=None if gone is None else f"its rows were freed at {gone.freed:%Y-%m-%d %H:%M} UTC by the retention rule {gone.rule}",
        types=version.types,
        rules=rules,
        profile={column["name"]: column for column in version.profile["columns"]["columns"]},
        findings=msgspec.convert(version.profile["columns"].get("findings", []), list[Finding]),
        notes=version.profile.get("notes", []),
    )
