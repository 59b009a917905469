"""One run of a project at a time on a ledger: those of other homes and machines that share it count, too."""

from contextlib import AbstractContextManager

from headrace.app.workspace import Workspace
from headrace.ledger.locks import Hold


def run_lock(workspace: Workspace) -> AbstractContextManager[Hold | None]:
    """Hold the lock of a project's runs; gives None at once if another process holds it."""
    return workspace.ledger.locked(workspace.project.name)
