"""One run of a project at a time on a ledger: those of other homes and machines that share it count, too."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from headrace.app.workspace import Workspace
from headrace.ledger.locks import Hold

_PATIENCE_SECONDS = 60.0


def run_lock(workspace: Workspace) -> AbstractContextManager[Hold | None]:
    """Hold the lock of a project's runs; gives None if another process holds it."""
    return workspace.ledger.locked(workspace.project.name)


@contextmanager
def turn_to_run(workspace: Workspace) -> Iterator[Hold | None]:
    """Hold the lock of a project's runs. A stream that makes versions of what it has learnt is waited for, a second each; gives None if
    another process holds it otherwise, or for more than a minute."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        recording = workspace.ledger.is_locked(_snapshots(workspace))
        with run_lock(workspace) as held:
            recording = recording or workspace.ledger.is_locked(_snapshots(workspace))
            if held is not None or not recording or time.monotonic() > deadline:
                yield held
                return


@contextmanager
def turn_to_record(workspace: Workspace) -> Iterator[Hold | None]:
    """Hold the lock of a project's runs to make a version of what a stream has learnt; gives None if another process holds it."""
    with workspace.ledger.locked(_snapshots(workspace)) as alone:
        if alone is None:
            yield None
            return
        with run_lock(workspace) as held:
            yield held


def _snapshots(workspace: Workspace) -> str:
    return f"{workspace.project.name}.snapshots"


def is_at_work(workspace: Workspace) -> bool:
    """Tell whether some process runs the project now."""
    return workspace.ledger.is_locked(workspace.project.name)
