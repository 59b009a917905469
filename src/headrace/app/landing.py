"""Asking the sources that are asked, before the steps of a run are known: what they answer decides which of them must run."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from headrace.app.errors import NotLanded
from headrace.app.presence import presence_of
from headrace.app.sources import asked_tables, declaration_of, find_landing, landed
from headrace.app.store import claim_lake, lake_of
from headrace.app.workspace import Workspace
from headrace.core.units import counted
from headrace.engine.observers import Observer, Outcome, StepEnd, shown
from headrace.ledger import landing
from headrace.ledger.landing import Landing, NewLanding
from headrace.spec.asked import Asked
from headrace.spec.tables import Entity, Events

if TYPE_CHECKING:
    from headrace.ingest.landed import Landed


def land_sources(workspace: Workspace, progress: Observer | None) -> None:
    """Ask each source for what is new and keep it. The caller holds the lock of the project's runs.

    Raises:
        SourceUnreachable, SourceRefused, SourceChanged, ReadFailed: as the reader says; what was landed before is kept.
    """
    claim_lake(workspace)
    with shown(progress):
        for table in asked_tables(workspace.project):
            _watched(workspace, table, progress)


def not_asked(workspace: Workspace) -> list[str]:
    """Return a line for each source that is not asked now: when it was.

    Raises:
        NotLanded: if one never was.
    """
    lines = []
    for table in asked_tables(workspace.project):
        record = find_landing(workspace, table)
        if record is None:
            assert isinstance(table.source, Asked)
            raise NotLanded(table.name, table.source.place, table.location)
        lines.append(f"NOT ASKED: {table.name} is as it was landed at {record.landed:%Y-%m-%d %H:%M} UTC ({counted(record.rows, 'row')}).")
    return lines


def to_be_asked(workspace: Workspace) -> list[str]:
    """Return a line for each source that a run would ask. Asks nobody."""
    lines = []
    for table in asked_tables(workspace.project):
        assert isinstance(table.source, Asked)
        record = find_landing(workspace, table)
        if record is None:
            how = "for everything: nothing was landed yet"
        elif record.cursor is None:
            how = f"for everything again; {counted(record.rows, 'row was', 'rows were')} landed at {record.landed:%Y-%m-%d %H:%M} UTC"
        else:
            how = f"for what is new; {counted(record.rows, 'row was', 'rows were')} landed, the last at {record.landed:%Y-%m-%d %H:%M} UTC"
        lines.append(f"{table.name} ({table.source.place}) {how}")
    return lines


def _watched(workspace: Workspace, table: Events | Entity, progress: Observer | None) -> None:
    if progress is None:
        _land(workspace, table, lambda _: None)
        return
    step, started = f"land:{table.name}", time.monotonic()
    end = partial(StepEnd, step, declaration_of(table))
    progress.step_started(step)
    try:
        summary = _land(workspace, table, lambda rows: progress.step_progress(step, rows, None, "rows"))
    except Exception as error:  # whatever it is: who watches is told that the step has ended, and it goes on
        progress.step_finished(end(Outcome.FAILED, time.monotonic() - started, error=error))
        raise
    progress.step_finished(end(Outcome.DONE, time.monotonic() - started, {"summary": summary}))


def _land(workspace: Workspace, table: Events | Entity, report: Callable[[int], None]) -> str:
    """Ask one source, record its answer if it is another one, and return a line about it."""
    # Heavy, and not needed by a run whose sources all are files.
    from headrace.ingest.landing import Keeping, land
    from headrace.ingest.readers import reader_of

    source = table.source
    assert isinstance(source, Asked)
    before = find_landing(workspace, table)
    known = _to_go_on_from(workspace, before)
    blobs = lake_of(workspace).blobs
    reader = reader_of(source, workspace.secrets, workspace.root)
    now, notes = land(reader, source.place, known, Keeping(blobs.put, blobs.get, report))
    if before is None or now != landed(before):
        _record(workspace, table, now)
    came = now.rows - (known.rows if known else 0)
    lost = ("what was landed before is gone from the lake, so everything was asked for",) if _is_lost(before, known) else ()
    counts = f"{counted(came, 'new row')}, {now.rows:,} in all" if known else counted(now.rows, "row")
    return "; ".join((counts, *lost, *notes))


def _to_go_on_from(workspace: Workspace, before: Landing | None) -> "Landed | None":
    """Return what new rows can be added to: the last answer, if the source can tell what is new and nothing of it is lost."""
    if before is None or before.cursor is None:
        return None
    presence = presence_of(workspace)
    return landed(before) if all(presence.blob(page[0]) for page in before.pages) else None


def _is_lost(before: Landing | None, known: "Landed | None") -> bool:
    return before is not None and before.cursor is not None and known is None


def _record(workspace: Workspace, table: Events | Entity, now: "Landed") -> None:
    new = NewLanding(
        project=workspace.project.name,
        name=table.name,
        declaration=declaration_of(table),
        columns=list(now.columns),
        pages=[(page.blob, page.rows) for page in now.pages],
        rows=now.rows,
        cursor=now.cursor,
    )
    with workspace.ledger.write(workspace.identity.name, "source.land") as session:
        landing.record(session, new)
