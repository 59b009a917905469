"""Errors of the wiring.

    UserError
    └── AppError
        ├── ProjectNotFound     there is no project.py where one was looked for
        ├── ProjectNotLoadable  project.py raised, or declares no project
        ├── SettingInvalid      a setting has a value that cannot be used
        └── NothingToServe      a model has no champion yet
"""

from headrace.core.errors import UserError
from headrace.core.locations import Location


class AppError(UserError):
    """A request that cannot be carried out as things stand."""


class ProjectNotFound(AppError):
    """There is no project.py where one was looked for."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"there is no project file {path}.",
            remedy="Go to the folder of a project.py, name one with --project, or write one: headrace init data.csv --target COLUMN --output FOLDER",
        )


class ProjectNotLoadable(AppError):
    """project.py raised, or declares no project."""

    def __init__(self, problem: str, remedy: str, location: Location | None) -> None:
        super().__init__(problem, remedy=remedy, location=location)


class SettingInvalid(AppError):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, value: object, origin: str, expected: str) -> None:
        super().__init__(f"the setting {name} is {value!r} (from {origin}).", remedy=f"Expected {expected}.")


class NothingToServe(AppError):
    """A model has no champion yet."""

    def __init__(self, model: str, state: str | None) -> None:
        remedy = {
            None: "Train one first: headrace run",
            "awaiting_approval": f"It waits for approval: headrace approve {model} --comment 'why'",
            "rejected": f"Its newest version did not pass its gates: headrace show {model}",
        }.get(state, f"See headrace show {model}")
        super().__init__(f"model {model!r} has no champion to serve.", remedy=remedy)
