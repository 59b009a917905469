"""Which progress a run shows: a live display for a person, plain lines when piped, JSON events for programs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.engine.observers import Observer


def choose_progress(as_json: bool) -> "Observer":
    """Return the observer that fits where the output goes. Progress goes to stderr; results go to stdout."""
    # Kept out of start-up, and the live display out of pipes: it brings a library in.
    from headrace.engine.lines import JsonEvents, PlainLines

    if as_json:
        return JsonEvents(sys.stderr)
    if not sys.stderr.isatty():
        return PlainLines(sys.stderr)
    from rich.console import Console

    from headrace.engine.progress import RichProgress

    return RichProgress(Console(stderr=True))


@contextmanager
def row_progress(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """Show a person how many rows are done while the block runs; give None when nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    from headrace.engine.progress import RichProgress

    with RichProgress(Console(stderr=True)) as progress:
        progress.step_started(what)
        yield lambda done, total: progress.step_progress(what, done, total, "rows")


@contextmanager
def rows_progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """Show a person how many rows of one thing after the other are done while the block runs; give None when nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    from headrace.engine.progress import RichProgress

    begun: set[str] = set()
    with RichProgress(Console(stderr=True)) as progress:

        def tell(what: str, done: int, total: int) -> None:
            if what not in begun:
                begun.add(what)
                progress.step_started(what)
            progress.step_progress(what, done, total, "rows")

        yield tell
