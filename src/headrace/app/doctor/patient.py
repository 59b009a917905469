"""What every check is given, and what it tells."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from headrace.app.reports import CheckLine
from headrace.app.workspace import Workspace


@dataclass(frozen=True)
class Patient:
    """A project and its home. `mending` says whether what can be mended is to be; `alone`, that no run of the project is
    at work, and while mending that none can begin."""

    workspace: Workspace
    mending: bool
    alone: bool

    @property
    def home(self) -> Path:
        """The folder of everything."""
        return self.workspace.settings.home


Check = Callable[[Patient], Iterator[CheckLine]]
"""Looks at one thing and gives a line for each finding; what it raises on purpose is a finding too."""


def well(check: str, finding: str) -> CheckLine:
    """Return a line that says that something is as it should be."""
    return CheckLine(check=check, well=True, finding=finding)


def ill(check: str, finding: str, remedy: str) -> CheckLine:
    """Return a line that says what is wrong and what to do about it."""
    return CheckLine(check=check, well=False, finding=finding, remedy=remedy)


def mended(check: str, finding: str) -> CheckLine:
    """Return a line that says what was wrong and is not any more."""
    return CheckLine(check=check, well=True, finding=finding, mended=True)
