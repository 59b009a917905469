"""Freeing what nothing needs.

The order is what makes it safe to kill at any moment: first the ledger forgets, in one transaction, that steps need not be done again whose
outputs go, and records what goes by which rule; then a table's newest version is made one that stays; then bytes are removed. What was
not removed is named by nobody, or freed on record, and goes the next time.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta

from headrace.app.collecting.finding import MANY_FILES, Findings, find, predictions_files, sweeper_of
from headrace.app.collecting.home import remove
from headrace.app.collecting.marking import BLOB, TABLE, Item, rule_text
from headrace.app.collecting.online import free_online
from headrace.app.collecting.telling import told
from headrace.app.errors import LakeShared, RunInProgress
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.reports import GcReport
from headrace.app.store import claim_lake, lake_of
from headrace.app.workspace import Workspace
from headrace.core.units import counted
from headrace.lake.sweeping import remove_staged
from headrace.ledger import freed, naming
from headrace.ledger.freed import NewFreed

GRACE = timedelta(days=1)
"""A writer that takes longer than this between writing a file and naming it is not reckoned with."""


def plan_collecting(workspace: Workspace, grace: timedelta = GRACE) -> GcReport:
    """Return what collecting would free now. Nothing is changed."""
    return told(find(workspace, grace), freed=False)


def collect(workspace: Workspace, grace: timedelta = GRACE, asked: Callable[[GcReport], bool] = lambda _: True) -> GcReport:
    """Free what nothing needs, unless `asked`, which is shown what that is, says no.

    Raises:
        RunInProgress: if a run of any project of the ledger goes on: it may need what nobody names yet.
        LakeShared: if another ledger uses the lake.
    """
    with _alone(workspace):
        found = find(workspace, grace)
        planned = told(found, freed=False)
        if not asked(planned):
            return planned
        _forget(workspace, found)
        report = told(*_sweep(workspace, found, grace), freed=True)
        if report.lines:
            with workspace.ledger.write(workspace.identity.name, "gc.done", workspace.project.name) as session:
                session.details.update(size_bytes=report.size_bytes, lines=[f"{line.what}: {line.count}" for line in report.lines])
        return report


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Hold the locks of the runs of all projects of the ledger: their steps put blobs that nobody names yet."""
    claims, ledger = claim_lake(workspace)
    others = claims.others(ledger)
    if others:
        raise LakeShared(workspace.settings.lake_url, len(others))
    with workspace.ledger.read() as session:
        names = {*naming.projects(session), workspace.project.name}
    with ExitStack() as held:
        for name in sorted(names):
            if held.enter_context(workspace.ledger.locked(name)) is None:
                raise RunInProgress(name)
        yield


def _forget(workspace: Workspace, found: Findings) -> None:
    """Forget the outputs whose bytes go, and put on record what goes."""
    project = workspace.project.name
    named = {Item(BLOB, name): found.marked.free[Item(BLOB, name)] for name in found.blobs if Item(BLOB, name) in found.marked.free}
    going = {**named, **found.newly}
    gone = {item for item in found.marked.free if item.kind == TABLE} | going.keys()
    outputs = [output.fingerprint for output in found.recorded.outputs if output.items & gone]
    if not going and not outputs:
        return
    new = [NewFreed(project=project, kind=item.kind, name=item.name, version=item.version, rule=rule) for item, rule in going.items()]
    with workspace.ledger.write(workspace.identity.name, "gc.free", project) as session:
        naming.forget(session, outputs)
        freed.record(session, new)


def _sweep(workspace: Workspace, found: Findings, grace: timedelta) -> tuple[Findings, list[str]]:
    """Remove what was found; return it as it turned out, with what there is to be said."""
    sweeper = sweeper_of(workspace)
    found, notes = _tend_predictions(workspace, found, grace)
    for name, table in found.tables.items():
        if table.stale:
            sweeper.settle(name, found.versions.get(name, []))
        sweeper.remove_files(name, table.free)
    sweeper.remove_blobs(list(found.blobs.values()))
    remove_staged(found.staged)
    for several in found.home.values():
        for each in several:
            remove(each)
    return found, [*notes, *filter(None, [free_online(workspace)])]


def _tend_predictions(workspace: Workspace, found: Findings, grace: timedelta) -> tuple[Findings, list[str]]:
    """Delete expired predictions and make few files of many; what that replaced goes when nobody can be reading it any more."""
    if PREDICTIONS not in found.tables:
        return found, []
    upkeep, notes = lake_of(workspace).upkeep(PREDICTIONS), []
    rows = 0
    if found.expired and found.cutoff is not None:
        _record_expired(workspace, found)
        rows = upkeep.delete_before("moment", found.cutoff)
    compacted = upkeep.compact(MANY_FILES)
    if compacted is not None:
        notes.append(f"Compacted {PREDICTIONS}: {counted(compacted.files_before, 'file')} became {compacted.files_after:,}.")
    commits = upkeep.shorten_log(found.rules.now - max(grace, GRACE))
    tables = {**found.tables, PREDICTIONS: predictions_files(workspace, found.rules.now - grace)}
    return replace(found, tables=tables, expired=rows, small_files=0, commits=commits), notes


def _record_expired(workspace: Workspace, found: Findings) -> None:
    assert found.cutoff is not None
    new = NewFreed(
        project=workspace.project.name,
        kind=freed.PREDICTIONS,
        name=PREDICTIONS,
        rule=rule_text("predictions", found.rules.predictions),
        details={"rows": found.expired, "before": found.cutoff},
    )
    with workspace.ledger.write(workspace.identity.name, "gc.predictions", workspace.project.name) as session:
        freed.record(session, [new])
