"""Progress as lines on a stream: plain ones for a pipe or a log, JSON ones for programs."""

import json
import time
from typing import TextIO

from headrace.core.errors import HeadraceError
from headrace.engine.observers import Outcome, StepEnd

_SECONDS_BETWEEN_REPORTS = 0.1


class PlainLines:
    """One line a step that has ended: how, which, seconds, the step's own words.

    >>> import sys
    >>> PlainLines(sys.stdout).step_finished(StepEnd("ingest flights", "f", Outcome.DONE, 1.25, {"summary": "336,776 rows"}))
    done     ingest flights  1.25 s  336,776 rows
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def step_started(self, step: str) -> None:
        """Nothing: a step that starts has nothing to tell a log."""

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        """Nothing, for the same reason."""

    def step_finished(self, end: StepEnd) -> None:
        """Write the line."""
        self._stream.write(plain_line(end) + "\n")
        self._stream.flush()


class JsonEvents:
    """One JSON object a line: `event` is step_started, step_progress (ten a second and step at most, and the last) or step_finished."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._reported: dict[str, float] = {}

    def step_started(self, step: str) -> None:
        """Write `{"event": "step_started", "step": ...}`."""
        self._write({"event": "step_started", "step": step})

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        """Write `{"event": "step_progress", "step": ..., "done": ..., "total": ..., "unit": ...}`."""
        now = time.monotonic()
        if done == total or now - self._reported.get(step, -1.0) >= _SECONDS_BETWEEN_REPORTS:
            self._reported[step] = now
            self._write({"event": "step_progress", "step": step, "done": done, "total": total, "unit": unit})

    def step_finished(self, end: StepEnd) -> None:
        """Write the outcome, the seconds, the fingerprint, the summary and the error."""
        facts = {"event": "step_finished", "step": end.step, "outcome": end.outcome, "seconds": round(end.seconds, 6)}
        facts |= {"fingerprint": end.fingerprint, "summary": end.summary}
        if end.error is not None:
            remedy = end.error.remedy if isinstance(end.error, HeadraceError) else ""
            facts["error"] = {"type": type(end.error).__name__, "message": end.summary, "remedy": remedy}
        self._write(facts)

    def _write(self, facts: dict[str, object]) -> None:
        self._stream.write(json.dumps(facts) + "\n")
        self._stream.flush()


def plain_line(end: StepEnd) -> str:
    """Return how a step ended as one line for people, seconds only where something ran."""
    seconds = f"{end.seconds:.2f} s" if end.outcome in (Outcome.DONE, Outcome.FAILED) else ""
    return "  ".join(part for part in (f"{end.outcome:<7}", end.step, seconds, end.summary) if part)
