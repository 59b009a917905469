"""The online state of a project: one place that says what it is called where several projects share a server."""

from pathlib import Path

from headrace.app.workspace import Workspace
from headrace.features.stores.contract import StateStore
from headrace.features.stores.opening import open_store


def open_state(workspace: Workspace, answer_seconds: float | None = None) -> StateStore:
    """Open the store in which the project's streams keep their state. The caller closes it.

    With `answer_seconds` a server that does not answer a reader in that time has failed.

    Raises:
        StoreUnusable, StoreFault, StorageFault: if it cannot be opened; without its secrets.
    """
    with workspace.secrets.kept_out_of_errors():
        return open_store(workspace.state_url, f"headrace/{workspace.project.name}", answer_seconds)


def find_state(workspace: Workspace, answer_seconds: float | None = None) -> StateStore | None:
    """Open the store as `open_state` does; None if it is a folder that nobody has made yet."""
    is_folder = "://" not in workspace.state_url
    return None if is_folder and not Path(workspace.state_url).is_dir() else open_state(workspace, answer_seconds)
