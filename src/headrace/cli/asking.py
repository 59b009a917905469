"""The commands that predict: predict and serve."""

from pathlib import Path
from typing import Annotated

import typer

from headrace.cli import render, stopping
from headrace.cli.building import moment
from headrace.cli.options import PROJECT_FILE, HomeOption, JsonOption, ProjectOption, emit, open_handle
from headrace.cli.progress import row_progress


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(predict)
    app.command()(serve)


def predict(
    model: Annotated[str, typer.Argument(help="The model; its champion is used.")],
    rows: Annotated[Path, typer.Argument(help="The rows: CSV, JSON lines, Parquet or Arrow, with the given columns.")],
    output: Annotated[Path, typer.Argument(help="Where to write: .csv or .parquet.")],
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Predict a file of rows into a file.

    Example: headrace predict late tomorrow.csv scored.csv
    """
    with row_progress(f"predict {model}") as report:
        done = open_handle(project, home).predict(model, rows, output, report)
    emit(done, as_json, render.predicted(done))


def serve(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes a free one.", min=0, max=65535)] = 8080,
    as_of: Annotated[str | None, typer.Option(help="Serve as if it were this moment (ISO 8601 with a zone): for replays.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="Allow another address than loopback: a proxy does TLS and authentication.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say what is served and where as JSON, a line each.")] = False,
) -> None:
    """Serve the champion of every model over HTTP (Open Inference Protocol v2, and POST /predict).

    Example: headrace serve --port 8080
    """
    stopping.release()
    open_handle(project, home).serve(host, port, moment(as_of), behind_proxy, lambda event: emit(event, as_json, render.serving(event)))
