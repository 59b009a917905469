"""Progress for a person at a terminal."""

from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from headrace.engine.lines import plain_line
from headrace.engine.observers import Outcome, StepEnd

_STYLE = {Outcome.DONE: "green", Outcome.REUSED: "dim", Outcome.FAILED: "bold red", Outcome.SKIPPED: "yellow"}


class RichProgress:
    """A bar for each step that runs, a line for each that has ended. Used in a `with`, which gives the terminal back.

    >>> with RichProgress(Console(width=60, color_system=None)) as progress:  # doctest: +NORMALIZE_WHITESPACE
    ...     progress.step_finished(StepEnd("train", "f", Outcome.REUSED, 0.0))
    reused   train
    """

    def __init__(self, console: Console) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[amount]}"))
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "RichProgress":
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def step_started(self, step: str) -> None:
        """Show a bar."""
        self._tasks[step] = self._progress.add_task(escape(step), total=None, amount="")

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        """Move the bar."""
        amount = f"{done:,.0f}" + (f" / {total:,.0f}" if total is not None else "") + (f" {unit}" if unit else "")
        self._progress.update(self._tasks[step], completed=done, total=total, amount=amount)

    def step_finished(self, end: StepEnd) -> None:
        """Replace the bar with a line."""
        if end.step in self._tasks:
            self._progress.remove_task(self._tasks.pop(end.step))
        self._progress.console.print(f"[{_STYLE[end.outcome]}]{escape(plain_line(end))}[/]", soft_wrap=True)
