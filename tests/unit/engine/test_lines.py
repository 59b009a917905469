"""Progress as lines."""

import io

import pytest

from headrace.core.errors import UserError
from headrace.engine.lines import JsonEvents, PlainLines
from headrace.engine.observers import Observer, Outcome, StepEnd

ENDS = [
    StepEnd("ingest flights", "f1", Outcome.DONE, 1.2345, {"summary": "336,776 rows"}),
    StepEnd("profile flights", "f2", Outcome.REUSED, 0.0, {}),
    StepEnd("train late", "f3", Outcome.FAILED, 0.5, error=UserError("no rows are left.", remedy="Take a longer span.")),
    StepEnd("score late", "f4", Outcome.FAILED, 0.25, error=ValueError()),
    StepEnd("judge late", "f5", Outcome.SKIPPED, 0.0),
]

PLAIN = """\
done     ingest flights  1.23 s  336,776 rows
reused   profile flights
failed   train late  0.50 s  no rows are left.
failed   score late  0.25 s  ValueError
skipped  judge late
"""

JSON = """\
{"event": "step_started", "step": "ingest flights"}
{"event": "step_progress", "step": "ingest flights", "done": 1, "total": 2, "unit": "files"}
{"event": "step_progress", "step": "ingest flights", "done": 2, "total": 2, "unit": "files"}
{"event": "step_finished", "step": "ingest flights", "outcome": "done", "seconds": 1.2345, "fingerprint": "f1", "summary": "336,776 rows"}
{"event": "step_finished", "step": "profile flights", "outcome": "reused", "seconds": 0.0, "fingerprint": "f2", "summary": ""}
{"event": "step_finished", "step": "train late", "outcome": "failed", "seconds": 0.5, "fingerprint": "f3", "summary": "no rows are left.", \
"error": {"type": "UserError", "message": "no rows are left.", "remedy": "Take a longer span."}}
{"event": "step_finished", "step": "score late", "outcome": "failed", "seconds": 0.25, "fingerprint": "f4", "summary": "ValueError", \
"error": {"type": "ValueError", "message": "ValueError", "remedy": ""}}
{"event": "step_finished", "step": "judge late", "outcome": "skipped", "seconds": 0.0, "fingerprint": "f5", "summary": ""}
"""


def tell(observer: Observer) -> None:
    observer.step_started("ingest flights")
    observer.step_progress("ingest flights", 1, 2, "files")
    observer.step_progress("ingest flights", 2, 2, "files")
    for end in ENDS:
        observer.step_finished(end)


@pytest.mark.parametrize(("kind", "expected"), [(PlainLines, PLAIN), (JsonEvents, JSON)])
def test_the_lines_are_as_documented(kind, expected):
    stream = io.StringIO()
    tell(kind(stream))
    assert stream.getvalue() == expected


def test_a_step_that_takes_long_tells_a_log_how_far_it_is():
    stream = io.StringIO()
    lines, patient = PlainLines(stream, seconds_between=0), PlainLines(stream, seconds_between=3600)
    for each in (lines, patient):
        each.step_started("train late")
        each.step_progress("train late", 0.31, 1.0, "trial 3 of 20, round 7: log_loss 0.41, best 0.40")
        each.step_progress("train late", 20_000, 1_000_000, "rows")
        each.step_progress("train late", 4, None, "files")
        each.step_progress("train late", 0, None, "")
    assert stream.getvalue().splitlines() == [
        "running  train late  0 s  trial 3 of 20, round 7: log_loss 0.41, best 0.40",
        "running  train late  0 s  20,000 of 1,000,000 rows",
        "running  train late  0 s  4 files",
        "running  train late  0 s",
    ]


def test_many_reports_give_few_lines():
    stream = io.StringIO()
    events = JsonEvents(stream)
    for done in range(10_000):
        events.step_progress("a", done, None, "rows")
    assert 1 <= stream.getvalue().count("\n") < 1000
