"""Tables whose rows `headrace stream` brings: what a run knows of them is what the stream has recorded. It reads no source."""

from datetime import datetime

from headrace.app.errors import NotStreamed
from headrace.app.workspace import Workspace
from headrace.core.fingerprints import fingerprint
from headrace.core.units import counted
from headrace.ledger import tables as ledger_tables
from headrace.ledger.tables import TableVersion
from headrace.spec.project import Project
from headrace.spec.streams import Streamed
from headrace.spec.tables import Entity, Events

STREAM = "stream"
"""The part of a recorded version's profile that only a stream writes."""
LATE, QUARANTINE = "late", "quarantine"
"""The tables beside a streamed one, `<table>/late` and `<table>/quarantine`."""
_RECENT = 2000  # versions: more than a day of them while a run is at work


def streamed_tables(project: Project) -> tuple[Events | Entity, ...]:
    """Return the tables whose sources are followed by `headrace stream`."""
    return tuple(table for table in project.tables() if isinstance(table, Events | Entity) and isinstance(table.source, Streamed))


def find_streamed(workspace: Workspace, table: Events | Entity) -> TableVersion | None:
    """Return the newest version that a stream has recorded of a table; None if its newest is not a stream's, or there is none."""
    with workspace.ledger.read() as session:
        found = ledger_tables.latest(session, workspace.project.name, table.name)
    return found if found is not None and STREAM in found.profile else None


def recorded_partitions(workspace: Workspace, table: str) -> frozenset[int]:
    """Return the partitions of a table that were followed, as the newest version on record says; none if no stream has recorded it."""
    with workspace.ledger.read() as session:
        found = ledger_tables.latest(session, workspace.project.name, table)
    return frozenset() if found is None else frozenset(int(name) for name in found.profile.get(STREAM, {}).get("positions", {}))


def streamed_fingerprint(version: TableVersion | None) -> str:
    """Return the fingerprint of what a streamed table held when this version was its newest."""
    return fingerprint("streamed", version.version if version else None)


def streamed_as(workspace: Workspace, table: Events | Entity, held: str) -> TableVersion | None:
    """Return the version with this `streamed_fingerprint`: the stream may have recorded newer ones since. None if there is none."""
    with workspace.ledger.read() as session:
        for version in ledger_tables.list_versions(session, workspace.project.name, table.name, limit=_RECENT):
            if streamed_fingerprint(version) == held:
                return version
    return None


def require_streamed(workspace: Workspace) -> None:
    """Check that something was streamed into every streamed table.

    Raises:
        NotStreamed: naming the first into which nothing was.
    """
    for table in streamed_tables(workspace.project):
        if find_streamed(workspace, table) is None:
            raise NotStreamed(table.name, table.location)


def streamed_lines(workspace: Workspace) -> list[str]:
    """Return a line for each streamed table: how far it is known."""
    lines = []
    for table in streamed_tables(workspace.project):
        found = find_streamed(workspace, table)
        told = "nothing was streamed yet: run headrace stream" if found is None else told_of(found)
        lines.append(f"{table.name}: {told}")
    return lines


def told_of(version: TableVersion) -> str:
    """Return how many rows a streamed version holds, until when, and what was left out."""
    late = int(version.profile[STREAM]["late"])
    left = [
        counted(version.quarantined, "quarantined", "quarantined") if version.quarantined else "",
        counted(late, "late", "late") if late else "",
        counted(version.duplicates, "duplicate") if version.duplicates else "",
    ]
    out = ", ".join(part for part in left if part)
    return f"{counted(version.accepted, 'row')}{_until(version)}" + (f" ({out})" if out else "")


def _until(version: TableVersion) -> str:
    newest = version.profile[STREAM].get("newest")
    return "" if newest is None else f", known until {datetime.fromisoformat(newest):%Y-%m-%d %H:%M:%S} UTC"
