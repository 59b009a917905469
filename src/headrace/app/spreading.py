"""What the tasks of an executor share while one piece of work lasts: a place beside the lake that all machines reach."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from headrace.app.store import reference_to
from headrace.app.workspace import Workspace
from headrace.features.shared import Shared
from headrace.lake.errors import LakeFault
from headrace.lake.scratch import Scratch

_RUN, PREDICT = "run", "predict"


@dataclass(frozen=True)
class Leftover:
    """What one piece of work shares, or shared: `is_of_run` says that it is a step's, `touched` when something was put there last."""

    name: str
    is_of_run: bool
    touched: datetime
    size_bytes: int
    scratch: Scratch

    def remove(self) -> None:
        """Remove it."""
        self.scratch.remove()


@contextmanager
def shared_scratch(workspace: Workspace, name: str, under: str = _RUN) -> Iterator[Shared]:
    """Give a place of this name, empty, and remove it in the end."""
    lake = reference_to(workspace)
    shared = Shared(lake, f"{under}/{name}")
    scratch = lake.scratch(shared.name)
    scratch.remove()
    try:
        yield shared
    except BaseException:
        with suppress(LakeFault):  # what went wrong is told, and not that something was left for the next run to remove
            scratch.remove()
        raise
    scratch.remove()


def remove_leftovers(workspace: Workspace) -> None:
    """Remove what runs of this project left that were killed; whoever holds the lock of its runs knows that none is alive."""
    reference_to(workspace).scratch(_RUN).remove()


def leftovers(workspace: Workspace) -> list[Leftover]:
    """Return what is shared now, or was by work that was killed.

    Raises:
        LakeFault: if the lake fails.
    """
    lake, found = reference_to(workspace), []
    for under in (_RUN, PREDICT):
        files = sorted(lake.scratch(under).listed())
        for name, some in groupby(files, key=lambda file: file.name.partition("/")[0]):
            mine = list(some)
            size, touched = sum(each.size_bytes for each in mine), max(each.written for each in mine)
            found.append(Leftover(f"spread/{under}/{name}", under == _RUN, touched, size, lake.scratch(f"{under}/{name}")))
    return found
