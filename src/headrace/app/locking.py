"""One run of a project at a time on a ledger: those of other homes and machines that share it count, too."""

from contextlib import AbstractContextManager

from headrace.app.workspace import Workspace
from headrace.ledger.locks import Hold


def run_lock(workspace: Workspace) -> AbstractContextManager[Hold | None]:
    """Hold the lock of a project's runs; gives None if another process holds it."""
    return workspace.ledger.locked(workspace.project.name)


def is_at_work(workspace: Workspace) -> bool:
    """Tell whether some process runs the project now."""
    return workspace.ledger.is_locked(workspace.project.name)
