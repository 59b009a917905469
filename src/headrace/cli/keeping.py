"""The command that keeps a home small: gc."""

import sys
from typing import Annotated

import typer

from headrace.app.errors import NotConfirmed
from headrace.app.reports import GcReport
from headrace.cli import render_gc
from headrace.cli.options import PROJECT_FILE, HomeOption, JsonOption, ProjectOption, emit, open_handle
from headrace.core.units import parse_duration


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(gc)


def gc(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be freed; free nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    grace: Annotated[str, typer.Option(help="How old what nothing names must be: a writer may be about to name it.")] = "1d",
    as_json: JsonOption = False,
) -> None:
    """Free the bytes that no description, run, model, prediction or retention rule needs; shows them and asks first.

    Example: headrace gc --dry-run
    """
    handle, age = open_handle(project, home), parse_duration(grace)
    report = handle.gc(age, dry_run=dry_run, asked=(lambda _: True) if yes else _ask)
    emit(report, as_json, render_gc.collected(report))


def _ask(planned: GcReport) -> bool:
    """Show what would be freed, and ask. Questions are no results: they go where messages go.

    Raises:
        NotConfirmed: if no person is there.
    """
    if not planned.lines:
        return False
    typer.echo(render_gc.collected(planned), err=True)
    if not sys.stdin.isatty():
        raise NotConfirmed
    return typer.confirm("Free this?", err=True)
