"""What a table's source holds: files as they lie there, sources that are asked as they were landed.

What reads tables is imported where it is needed: a run that finds nothing to do in files reads their bytes only, and Polars, NumPy and
pyarrow would be half of its time.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from headrace.app.errors import NotLanded
from headrace.app.store import lake_of
from headrace.app.streamed import find_streamed, streamed_fingerprint
from headrace.app.workspace import Workspace
from headrace.core.errors import UserError
from headrace.core.fingerprints import fingerprint
from headrace.ingest.contents import source_fingerprint
from headrace.ingest.reading import reading_of
from headrace.ledger import landing
from headrace.ledger.landing import Landing
from headrace.spec.asked import Asked
from headrace.spec.folder import Folder
from headrace.spec.project import Project
from headrace.spec.streams import Streamed
from headrace.spec.tables import Entity, Events

if TYPE_CHECKING:
    from headrace.ingest.landed import Landed
    from headrace.ingest.raw import RawTable

# How positions in sources are written: a source that was left at one of another kind is asked for everything again.
_POSITIONS = 2


class SourceState(NamedTuple):
    """The fingerprint of what a source holds and how it is read; for a folder also the SHA-256 of each file, by its name."""

    fingerprint: str
    files: Mapping[str, str] = MappingProxyType({})


def asked_tables(project: Project) -> tuple[Events | Entity, ...]:
    """Return the tables whose sources are asked for their rows."""
    return tuple(table for table in project.tables() if isinstance(table, Events | Entity) and isinstance(table.source, Asked))


def source_state(workspace: Workspace, table: Events | Entity) -> SourceState:
    """Return what a table's source holds now, or has brought. Files are read whole; nobody is asked or followed.

    Raises:
        SourceUnreadable: if there is no file.
    """
    if isinstance(table.source, Folder):
        from headrace.ingest.folder import file_contents, folder_fingerprint

        files = file_contents(table.source, workspace.root)
        return SourceState(folder_fingerprint(table.source, files), files)
    if isinstance(table.source, Streamed):
        return SourceState(streamed_fingerprint(find_streamed(workspace, table)))
    if not isinstance(table.source, Asked):
        return SourceState(source_fingerprint(table.source, workspace.root))
    record = find_landing(workspace, table)
    return SourceState(fingerprint("source", landed(record).fingerprint if record else None, reading_of(table.source)))


def open_table(workspace: Workspace, table: Events | Entity) -> "RawTable":
    """Return a table's raw rows.

    Raises:
        SourceUnreadable: if the file is not there or not what it is said to be.
        NotLanded: if the source was never asked.
    """
    from headrace.ingest.folder import open_folder
    from headrace.ingest.landed import landed_table
    from headrace.ingest.sources import open_source

    if isinstance(table.source, Folder):
        return open_folder(table.source, workspace.root)
    if not isinstance(table.source, Asked):
        return open_source(table.source, workspace.root)
    record = find_landing(workspace, table)
    if record is None:
        raise NotLanded(table.name, table.source.place, table.location)
    return landed_table(landed(record), lake_of(workspace).blobs.get)


def find_landing(workspace: Workspace, table: Events | Entity) -> Landing | None:
    """Return what the source of a table answered the last time it was asked as it is declared now; None if it never was."""
    with workspace.ledger.read() as session:
        found = landing.latest(session, workspace.project.name, table.name)
    return found if found is not None and found.declaration == declaration_of(table) else None


def declaration_of(table: Events | Entity) -> str:
    """Return the fingerprint of what a table's source is asked."""
    source = table.source
    assert isinstance(source, Asked)
    try:
        return fingerprint("asked", _POSITIONS, type(source).__name__, source.meaning)
    except UserError as error:  # for a value of the user's own code that is no code
        error.location = error.location or source.location
        raise


def landed(record: Landing) -> "Landed":
    """Return a recorded answer as ingestion knows it."""
    from headrace.ingest.landed import Landed, LandedPage

    return Landed(tuple(record.columns), tuple(LandedPage(*page) for page in record.pages), record.cursor)
