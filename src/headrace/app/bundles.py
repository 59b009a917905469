"""Opening bundles that are kept as blobs."""

import os
from pathlib import Path

from headrace.app.errors import BytesFreed
from headrace.app.presence import presence_of
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.bundles.keys import load_trusted_keys
from headrace.bundles.reading import Bundle, read_bundle
from headrace.core.durable import settle
from headrace.lake.errors import UnknownBlob
from headrace.ledger import freed
from headrace.ledger.freed import Freed


def open_bundle(workspace: Workspace, blob: str) -> Bundle:
    """Return a verified bundle; only the project's own keys (and those put beside them) are trusted."""
    return read_bundle(bundle_file(workspace, blob), load_trusted_keys(workspace.settings.keys))


def freed_bundle(workspace: Workspace, blob: str) -> Freed | None:
    """Return the record of a bundle's being freed, or None if it is still there."""
    presence = presence_of(workspace)
    with workspace.ledger.read() as session:
        found = freed.find_blob(session, blob)
    return None if found is None or presence.blob(blob) else found


def bundle_file(workspace: Workspace, blob: str) -> Path:
    """Return a bundle's zip on this machine, fetched from the lake first if need be.

    Raises:
        BytesFreed: if a retention rule freed it.
    """
    path = workspace.settings.bundles / f"{blob}.zip"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(_fetched(workspace, blob))
        settle(temporary)
        temporary.replace(path)
    return path


def _fetched(workspace: Workspace, blob: str) -> bytes:
    try:
        return lake_of(workspace).blobs.get(blob)
    except UnknownBlob as error:
        record = freed_bundle(workspace, blob)
        if record is None:
            raise
        remedy = "To make it again, go back to its description and run that: headrace run. What a stream has learnt is not made again."
        raise BytesFreed("the bundle of this model version was", record.freed, record.rule, remedy) from error
