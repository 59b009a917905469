"""What the lake of a workspace still keeps. Apart from `store`, so that a command which only reads the ledger loads no table engine."""

from headrace.app.workspace import Workspace
from headrace.lake.presence import Presence


def presence_of(workspace: Workspace) -> Presence:
    """Return what tells whether blobs and table versions of the project are there."""
    return Presence(workspace.settings.lake_url, workspace.project.name, workspace.lake_options)
