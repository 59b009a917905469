"""What the tasks of an executor share while one piece of work lasts: a place beside the lake that all machines reach."""

from collections.abc import Iterator
from contextlib import contextmanager

from headrace.app.store import reference_to
from headrace.app.workspace import Workspace
from headrace.features.shared import Shared

_RUN = "run"


@contextmanager
def shared_scratch(workspace: Workspace, name: str, under: str = _RUN) -> Iterator[Shared]:
    """Give a place of this name, empty, and remove it in the end."""
    lake = reference_to(workspace)
    shared = Shared(lake, f"{under}/{name}")
    scratch = lake.scratch(shared.name)
    scratch.remove()
    try:
        yield shared
    finally:
        scratch.remove()


def remove_leftovers(workspace: Workspace) -> None:
    """Remove what runs of this project left that were killed; whoever holds the lock of its runs knows that none is alive."""
    reference_to(workspace).scratch(_RUN).remove()
