"""Errors of writing a first description.

UserError
└── AppError
    ├── UnknownTarget     the file has no such column: the nearest ones are named
    ├── NotAFile          a folder or a database, which is described by hand
    ├── UnusableTarget    the column cannot be predicted as it is
    └── ProjectExists     there is a description already, and it is not overwritten
SystemFault
└── StorageFault
    └── NotWritten        the folder does not take it: read-only, full, or somebody else's
"""

from collections.abc import Iterable
from pathlib import Path

from headrace.app.errors import AppError
from headrace.core.errors import suggest
from headrace.core.storage import StorageFault


class UnknownTarget(AppError):
    """The file has no such column."""

    def __init__(self, target: str, file: Path, columns: Iterable[str]) -> None:
        names = list(columns)
        remedy = suggest(target, names)
        if len(names) == 1 and target in names[0].split():
            remedy = f"It was read as one column, {names[0]!r}: columns are separated by a comma, a semicolon, a tab or |, not by spaces."
        super().__init__(f"{file.name} has no column {target!r} to predict.", remedy=remedy)


class NotAFile(AppError):
    """A folder or a database, which is described by hand."""

    def __init__(self, file: Path) -> None:
        what, source = ("a folder", "hr.Folder") if file.is_dir() else ("a database", "hr.SQL")
        super().__init__(
            f"{file} is {what}; init looks at one file of rows.",
            remedy=f"Let it look at one file of the same rows, then write {source}(...) in its project.py where it says hr.File(...).",
        )


class UnusableTarget(AppError):
    """The column cannot be predicted as it is."""

    def __init__(self, target: str, problem: str, remedy: str) -> None:
        super().__init__(f"the column {target!r} cannot be predicted: {problem}.", remedy=remedy)


class ProjectExists(AppError):
    """There is a description already, and it is not overwritten."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already.", remedy="Name another folder with --output, or move that file away.")


class NotWritten(StorageFault):
    """The folder does not take it: read-only, full, or somebody else's."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be written: {why}.", remedy="Name a folder that may be written and has room with --output.")
