"""Progress as lines on a stream: plain ones for a pipe or a log, JSON ones for programs."""

import json
import time
from typing import TextIO

from headrace.core.errors import HeadraceError
from headrace.engine.observers import Outcome, StepEnd

_SECONDS_BETWEEN_REPORTS = 0.1
_SECONDS_BETWEEN_LINES = 30.0


class PlainLines:
    """One line a step that has ended: how, which, seconds, the step's own words. Of one that takes long, now and then how far it is.

    >>> import sys
    >>> PlainLines(sys.stdout).step_finished(StepEnd("ingest flights", "f", Outcome.DONE, 1.25, {"summary": "336,776 rows"}))
    done     ingest flights  1.25 s  336,776 rows
    """

    def __init__(self, stream: TextIO, seconds_between: float = _SECONDS_BETWEEN_LINES) -> None:
        """Take how many seconds a step takes before it says how far it is, and between the times that it does."""
        self._stream, self._between = stream, seconds_between
        self._started: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def step_started(self, step: str) -> None:
        """Write nothing: a step that starts has nothing to tell a log."""
        self._started[step] = self._told[step] = time.monotonic()

    def step_progress(self, step: str, done: float, total: float | None, unit: str) -> None:
        """Write how far the step is, if it is time to."""
        now = time.monotonic()
        if now - self._told[step] >= self._between:
            self._told[step] = now
            self._write(f"running  {step}  {now - self._started[step]:.0f} s  {_amount(done, total, unit)}")

    def step_finished(self, end: StepEnd) -> None:
        """Write the line."""
        self._write(plain_line(end))

    def _write(self, line: str) -> None:
        self._stream.write(line.rstrip() + "\n")
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


def _amount(done: float, total: float | None, unit: str) -> str:
    """Return how far a step is; of a share of the whole, what the step says of it is enough."""
    if total is None:
        return f"{done:,.0f} {unit}" if unit else ""
    return unit if isinstance(total, float) else f"{done:,.0f} of {total:,.0f} {unit}"


def plain_line(end: StepEnd) -> str:
    """Return how a step ended as one line for people, seconds only where something ran."""
    seconds = f"{end.seconds:.2f} s" if end.outcome in (Outcome.DONE, Outcome.FAILED) else ""
    return "  ".join(part for part in (f"{end.outcome:<7}", end.step, seconds, end.summary) if part)
