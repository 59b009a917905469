"""Opening bundles that are kept as blobs."""

import os
from pathlib import Path

from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.bundles.keys import load_trusted_keys
from headrace.bundles.reading import Bundle, read_bundle


def open_bundle(workspace: Workspace, blob: str) -> Bundle:
    """Return a verified bundle; only the project's own keys (and those put beside them) are trusted."""
    return read_bundle(bundle_file(workspace, blob), load_trusted_keys(workspace.settings.keys))


def bundle_file(workspace: Workspace, blob: str) -> Path:
    """Return a bundle's zip on this machine, fetched from the lake first if need be."""
    path = workspace.settings.bundles / f"{blob}.zip"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(lake_of(workspace).blobs.get(blob))
        temporary.replace(path)
    return path
