"""What a stream says to a person who watches."""

import io

import pytest

from headrace.app.stream_reports import LearntLine, ScoredLine, StreamProgress
from headrace.cli import following, render_stream

CLEARED = "\r\x1b[2K"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_line_that_is_written_anew_fits_the_terminal_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes on in the next row stays there, once a second; and what ends the command begins a row of its own."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "30")
    scored = [ScoredLine(model=name, version=None, answered=1_000_000, refused=1, waiting=2) for name in ("late", "returned")]
    tell = following._live()
    tell(StreamProgress(seconds=2.0, tables=[], models=scored))
    tell(StreamProgress(seconds=2.0, tables=[], models=scored[:1]))
    following._clear_line()
    told = terminal.getvalue().split(CLEARED)
    assert told[0] == told[-1] == ""
    assert [len(line) for line in told[1:-1]] == [29, 29]
    assert "\n" not in terminal.getvalue()


def test_what_a_model_learnt_is_said_in_a_line() -> None:
    some = LearntLine(model="late", version="late@3", learned=1_200, unasked=4, waiting=20, versions=2)
    none = LearntLine(model="late", version=None, learned=0, unasked=0, waiting=0, versions=0)
    assert render_stream.lines(StreamProgress(seconds=1.0, tables=[], learners=[some, none])) == [
        "late@3: learnt 1,200 rows, 4 came too late to be asked about, 20 waiting for their answer, 2 versions",
        "late: learnt 0 rows",
    ]
