"""Progress for a person."""

import io

from rich.console import Console

from headrace.engine.progress import RichProgress

from .test_lines import ENDS, PLAIN, tell


def test_the_lines_stay_when_there_is_no_terminal():
    stream = io.StringIO()
    with RichProgress(Console(file=stream, width=100, color_system=None)) as progress:
        for end in ENDS:
            progress.step_finished(end)
    assert stream.getvalue().rstrip("\n") == PLAIN.rstrip("\n")


def test_a_terminal_shows_bars_while_steps_run_and_lines_after():
    stream = io.StringIO()
    with RichProgress(Console(file=stream, width=100, force_terminal=True, color_system=None)) as progress:
        progress.step_started("open [end]")
        progress.step_progress("open [end]", 1500, None, "rows")
        tell(progress)
    shown = stream.getvalue()
    for line in PLAIN.splitlines():
        assert line in shown
    assert "open [end]" in shown
    assert "1,500 rows" in shown
