"""The commands that tell: status, runs, show, why, cost, settings, doctor, audit verify."""

from typing import Annotated

import typer

from headrace.cli import render
from headrace.cli.options import PROJECT_FILE, HomeOption, JsonOption, ProjectOption, emit, open_handle

audit_app = typer.Typer(help="The record of every change.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (status, runs, show, why, cost, settings, doctor):
        app.command()(command)
    audit_app.command("verify")(verify)
    audit_app.callback()(_audit)
    app.add_typer(audit_app, name="audit")


def _audit() -> None:
    """The record of every change."""


def status(project: ProjectOption = PROJECT_FILE, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Tell how the project stands: tables, models, what waits for whom, cost.

    Example: headrace status
    """
    report = open_handle(project, home).status()
    emit(report, as_json, render.status(report))


def runs(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    as_json: JsonOption = False,
) -> None:
    """List runs, newest first.

    Example: headrace runs --limit 5
    """
    lines = open_handle(project, home).runs(limit)
    emit(list(lines), as_json, render.runs(lines))


def show(
    what: Annotated[str, typer.Argument(help="A run's id, a model, a model's version (late@2) or a table.")],
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a run, a model, a model's version, or a table with its contract and profile.

    Example: headrace show late@2
    """
    report = open_handle(project, home).show(what)
    emit(report, as_json, render.shown(report))


def why(
    prediction: Annotated[str, typer.Argument(help="A prediction's id, as the answer gave it.")],
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Walk a prediction back: inputs, features and what each added, model, run, code, data, approvals, cost.

    Example: headrace why prd_01kb3c9x0v6m2n8q4r7s1t5w3y
    """
    report = open_handle(project, home).why(prediction)
    emit(report, as_json, render.why(report))


def cost(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    by: Annotated[str, typer.Option(help="Group by run, step or model.")] = "run",
    as_json: JsonOption = False,
) -> None:
    """Tell what the project cost, and what a thousand predictions cost.

    Example: headrace cost --by step
    """
    report = open_handle(project, home).cost(by)
    emit(report, as_json, render.cost(report))


def settings(project: ProjectOption = PROJECT_FILE, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Print every setting, its value and where it came from.

    Example: headrace settings
    """
    found = open_handle(project, home).settings
    emit(list(found.values), as_json, render.settings(found))


def doctor(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended, and say what was.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for what is wrong with the home: keys, ledger, runs, tables, bundles, leftovers. Leaves with 1 if something is.

    Example: headrace doctor --fix
    """
    report = open_handle(project, home).doctor(fix)
    emit(report, as_json, render.doctor(report))
    if not report.whole:
        raise typer.Exit(1)


def verify(project: ProjectOption = PROJECT_FILE, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check the hash chain of the audit from its first row to its head.

    Example: headrace audit verify
    """
    report = open_handle(project, home).verify_audit()
    emit(report, as_json, render.audit(report))
    if not report.whole:
        raise typer.Exit(1)
