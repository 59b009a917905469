"""Errors of models.

UserError
└── UnknownFamily       an artifact of a kind that this version cannot score
SystemFault
├── BrokenArtifact      a file of an artifact is missing, or does not say what it should
└── LibraryFault        LightGBM's shared library is missing, or refused a call
"""

from collections.abc import Iterable

from headrace.core.errors import SystemFault, UserError, suggest


class UnknownFamily(UserError):
    """An artifact of a kind that this version cannot score."""

    def __init__(self, family: str, choices: Iterable[str]) -> None:
        super().__init__(f"there is no model family {family!r}.", remedy=suggest(family, choices))


class BrokenArtifact(SystemFault):
    """A file of an artifact is missing, or does not say what it should."""

    passing = False

    def __init__(self, family: str, file: str, fault: str) -> None:
        super().__init__(f"the file {file!r} of a {family} model {fault}.", remedy="Train again, or restore the artifact from its blobs.")


class LibraryFault(SystemFault):
    """LightGBM's shared library is missing, or refused a call."""

    passing = False

    def __init__(self, problem: str) -> None:
        super().__init__(problem, remedy="Check that lightgbm and its system library libgomp1 are installed.")
