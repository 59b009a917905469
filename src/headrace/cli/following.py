"""The command that follows streams: stream."""

import shutil
import signal
import sys
import time
from collections.abc import Callable
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.app.stream_reports import StreamProgress
from headrace.cli import render_stream, stopping
from headrace.cli.options import PROJECT_FILE, HomeOption, JsonOption, ProjectOption, emit, open_handle, without_secrets
from headrace.core.units import parse_duration

if TYPE_CHECKING:
    from headrace.app.streaming.worker import Watching

_LINE_SECONDS = 10.0
"""How often a line is printed where no person watches."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(stream)


def stream(
    project: ProjectOption = PROJECT_FILE,
    home: HomeOption = None,
    table: Annotated[list[str] | None, typer.Option("--table", help="A table to follow; several times for several. Default: all.")] = None,
    until_idle: Annotated[str | None, typer.Option(help="End when nothing has come for so long, such as 10s.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when what the sources have now is taken.")] = False,
    metrics_port: Annotated[
        int | None, typer.Option(help="Serve metrics for Prometheus at this port of loopback; 0 takes a free one.", min=0, max=65535)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow the streamed tables: their rows go into the lake, and into the state that online questions read.

    Ctrl-C or SIGTERM ends it in order: what was taken is kept. Run it several times, here or elsewhere, to share a topic's partitions.

    Example: headrace stream --until-idle 10s
    """
    idle = None if until_idle is None else parse_duration(until_idle)
    handle = open_handle(project, home)
    watching = _watching(as_json)  # what it imports takes a while: until then a signal ends the command at once
    try:
        report = handle.stream(table or [], until_idle=idle, once=once, metrics_port=metrics_port, watching=watching)
    finally:
        _clear_line()  # the report, or an error, begins a line of its own
    emit(report, as_json, render_stream.ended(report))


def _watching(as_json: bool) -> "Watching":
    # Kept out of start-up: it brings the table engine in.
    from headrace.app.streaming.worker import Watching

    stop = Event()
    stopping.release()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stopper(stop))
    if as_json:
        return Watching(_told_as_json(), _say_json, stop)
    return Watching(_live() if sys.stderr.isatty() else _lines(), _say, stop)


def _stopper(stop: Event) -> Callable[[int, FrameType | None], None]:
    """The first signal ends the worker in order; a second one ends the process where it stands, which loses nothing either."""

    def stopped(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.is_set():
            stopping.leave(128 + number)
        stop.set()

    return stopped


def _lines() -> Callable[[StreamProgress], None]:
    told = time.monotonic()

    def tell(progress: StreamProgress) -> None:
        nonlocal told
        if time.monotonic() - told >= _LINE_SECONDS:
            told = time.monotonic()
            for line in render_stream.lines(progress):
                _say(line)

    return tell


def _live() -> Callable[[StreamProgress], None]:
    def tell(progress: StreamProgress) -> None:
        told = without_secrets("   ".join(render_stream.lines(progress)))
        _clear_line()
        sys.stderr.write(told[: shutil.get_terminal_size().columns - 1])  # a line that goes on in the next cannot be cleared
        sys.stderr.flush()

    return tell


def _told_as_json() -> Callable[[StreamProgress], None]:
    import msgspec

    told = time.monotonic()

    def tell(progress: StreamProgress) -> None:
        nonlocal told
        if time.monotonic() - told >= _LINE_SECONDS:
            told = time.monotonic()
            _say(msgspec.json.encode(progress).decode())

    return tell


def _say(words: str) -> None:
    _clear_line()
    sys.stderr.write(f"{without_secrets(words)}\n")
    sys.stderr.flush()


def _clear_line() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()


def _say_json(words: str) -> None:
    import msgspec

    _say(msgspec.json.encode({"note": words}).decode())
