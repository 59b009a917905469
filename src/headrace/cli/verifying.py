"""The command that holds the executions of features to each other: verify features."""

from typing import Annotated

import typer

from headrace.cli import render_verify
from headrace.cli.building import moment
from headrace.cli.options import PROJECT_FILE, HomeOption, JsonOption, ProjectOption, emit, open_handle
from headrace.cli.progress import rows_progress

verify_app = typer.Typer(help="Whether things are what they should be.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    verify_app.command("features")(features)
    verify_app.callback()(_verify)
    app.add_typer(verify_app, name="verify")


def _verify() -> None:
    """Whether things are what they should be."""


def features(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    model: Annotated[str | None, typer.Option(help="The model; default: all.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only questions as of, and predictions made at, this moment or later (ISO 8601 with a zone).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only those before this moment.")] = None,
    rows: Annotated[int | None, typer.Option(help="At most so many questions, evenly spread; default: all.", min=1)] = None,
    as_json: JsonOption = False,
) -> None:
    """Replay history through batch, a stream and online, and compare every value; hold what was served to what batch now says.

    Each row of the spine is asked again as of its moment: of whole tables, of a stream's state that was played up to then, and one at a
    time as a server does. Predictions that were logged are asked again, too, and where batch now answers otherwise it is told why: late
    data, corrected rows, a clock, a state published earlier. Leaves with 1 if a replayed value differs or a served one does unexplained.

    Example: headrace verify features --model late --since 2013-06-01T00:00:00Z --rows 50000
    """
    handle, first, end = open_handle(project, home), moment(since), moment(until)
    with rows_progress() as report:
        found = handle.verify_features(model, since=first, until=end, rows=rows, report=report)
    emit(found, as_json, render_verify.verified(found))
    if not found.agrees:
        raise typer.Exit(1)
