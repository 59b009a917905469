"""The commands that make something: init, run, approve, upgrade, features publish, token."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli import render
from headrace.cli.options import PROJECT_FILE, HomeOption, JsonOption, ProjectOption, emit, open_handle
from headrace.cli.progress import choose_progress
from headrace.core.errors import UserError

features_app = typer.Typer(help="Feature state for serving.", no_args_is_help=True, rich_markup_mode=None)
token_app = typer.Typer(help="Tokens that prove who someone is.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(init)
    app.command()(run)
    app.command()(approve)
    app.command()(upgrade)
    features_app.command("publish")(publish)
    features_app.callback()(_features)
    app.add_typer(features_app, name="features")
    token_app.command("issue")(issue_token)
    token_app.command("revoke")(revoke_token)
    token_app.callback()(_tokens)
    app.add_typer(token_app, name="token")


def _features() -> None:
    """Feature state for serving."""


def _tokens() -> None:
    """Tokens that prove who someone is."""


def init(
    data: Annotated[Path, typer.Argument(help="A file of rows: CSV, JSON lines, Parquet, Arrow, Excel or Avro.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    output: Annotated[Path, typer.Option(help="The folder to write project.py into.")],
    as_json: JsonOption = False,
) -> None:
    """Profile a table and write a working, commented project.py.

    Example: headrace init churn.csv --target churned --output churn
    """
    from headrace.app.scaffolding.scaffold import scaffold  # kept out of start-up: it brings the table engine in

    made = scaffold(data, target, output)
    emit(made, as_json, render.scaffold(made))


def run(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_json: JsonOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no database or API: use what they answered the last time.")] = False,
) -> None:
    """Do as much of the project's life as the description asks for, and only what changed.

    Example: headrace run --project examples/flights/project.py
    """
    handle = open_handle(project, home)
    if dry_run:
        plan = handle.plan()
        emit(plan, as_json, render.plan(plan))
        return
    report = handle.run(choose_progress(as_json), offline=offline)
    emit(report, as_json, render.run(report))


def approve(
    model: Annotated[str, typer.Argument(help="The model whose newest version waits.")],
    comment: Annotated[str, typer.Option(help="Why: it is kept with the approval.")],
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve the version of a model that waits for it.

    Example: HEADRACE_USER=ben headrace approve late --comment 'beats the baseline on every carrier'
    """
    report = open_handle(project, home).approve(model, comment)
    emit(report, as_json, render.approved(report))


def upgrade(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_json: JsonOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
) -> None:
    """Bring the ledger to this version of Headrace. One in a file is brought there by any command; a shared one only by this.

    Example: headrace upgrade --dry-run
    """
    report = open_handle(project, home).upgrade(dry_run=dry_run)
    emit(report, as_json, render.upgrade(report))


def publish(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_of: Annotated[str | None, typer.Option(help="The moment, ISO 8601 with a zone; default: now.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Build the feature state of every champion as of a moment, for servers to read.

    Example: headrace features publish --as-of 2013-12-20T18:15:00Z
    """
    states = open_handle(project, home).publish(moment(as_of))
    emit(list(states), as_json, render.published(states))


def issue_token(
    name: Annotated[str, typer.Argument(help="The team member the token is for.")],
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token for a member of the team; from then on that name needs it. It is shown once.

    Example: headrace token issue ben
    """
    report = open_handle(project, home).issue_token(name)
    emit(report, as_json, report.token or "")


def revoke_token(
    name: Annotated[str, typer.Argument(help="The team member whose tokens are to end.")],
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End the tokens of a member of the team; takes a live one of theirs in HEADRACE_TOKEN, or an admin's.

    Example: headrace token revoke ben
    """
    report = open_handle(project, home).revoke_token(name)
    emit(report, as_json, f"revoked {report.revoked} of {report.member}'s tokens.")


def moment(text: str | None) -> datetime | None:
    """Return the moment that an option says."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(f"{text!r} is not a moment.", remedy="Write ISO 8601 with a zone, such as 2013-12-20T18:15:00Z.") from error
    if found.tzinfo is None:
        raise UserError(f"{text!r} has no time zone.", remedy=f"Write {text}Z for UTC, or an offset such as {text}+01:00.")
    return found
