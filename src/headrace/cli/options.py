"""Options that several commands share, and how a command opens the project they name."""

import os
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.app.reports import Report
from headrace.cli.loading import undisturbed

if TYPE_CHECKING:
    from headrace.app.handle import ProjectHandle

ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="The description, or its folder.", show_default=True)]
HomeOption = Annotated[
    str | None, typer.Option("--home", help="Where Headrace keeps its things (default: .headrace beside the project, or HEADRACE_HOME).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
PROJECT_FILE = Path("project.py")
_opened: "ContextVar[ProjectHandle | None]" = ContextVar("opened", default=None)


def open_handle(project: Path, home: str | None) -> "ProjectHandle":
    """Open the project that the options name."""
    with undisturbed():
        from headrace.app.handle import load  # kept out of start-up: it brings the database library in

    handle = load(project, environment=os.environ, home=home)
    _opened.set(handle)
    return handle


def without_secrets(text: str) -> str:
    """Return a text without the secrets that were given out to the project this command opened."""
    handle = _opened.get()
    return handle.workspace.secrets.redact(text) if handle else text


def emit(report: Report | Sequence[object], as_json: bool, text: str) -> None:
    """Print a report for a program or for a person, without the secrets that the project was given."""
    if as_json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(_cleaned(msgspec.to_builtins(report))).decode() + "\n")
    else:
        sys.stdout.write(without_secrets(text.rstrip("\n")) + "\n")
    sys.stdout.flush()  # a server tells where it is and goes on


def _cleaned(value: object) -> object:
    """Return a report without secrets, text by text: in the JSON they would be escaped, and a number must stay one."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {name: _cleaned(each) for name, each in value.items()}
    return [_cleaned(each) for each in value] if isinstance(value, list | tuple) else value
