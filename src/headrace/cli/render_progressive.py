"""What learnt row by row, for people: a curve a candidate in a line of text, and what a version had learnt in a stream."""

from datetime import timedelta

from headrace.app.reports import CandidateLine, ModelReport, ProgressiveLine
from headrace.cli.columns import columns
from headrace.core.units import counted, format_age

_BARS = "▁▂▃▄▅▆▇█"
_UNDEFINED = "·"


def curves(report: ModelReport) -> list[str]:
    """Return the lines on candidates that learnt row by row; none where there are none. All curves of a model have one scale."""
    learnt = [each for each in report.candidates if each.progressive is not None]
    if not learnt:
        return []
    low, high = _ends([piece.value for each in learnt if each.progressive for piece in each.progressive.pieces])
    told = [_line(each, each.progressive, low, high) for each in learnt if each.progressive]
    scale = f"the curve from {low:.4f} to {high:.4f}" if high > low else "no curve: it is the same all along"
    return ["", f"  row by row, each asked about before its answer was known; {scale}", *columns(told, indent=4), *_moments(learnt)]


def learnt(report: ModelReport) -> list[str]:
    """Return a line on what a version had learnt in a stream; none for one that a run has trained."""
    found = report.learnt
    if found is None:
        return []
    unasked = f" ({found.unasked:,} without having been asked about them)" if found.unasked else ""
    until, since = (f"{moment:%Y-%m-%d %H:%M:%S} UTC" for moment in (found.clock, found.since))
    rows = f"{counted(found.rows, 'row')} until {until}, {found.rows_since:,} of them since {since}{unasked}"
    return [f"  learnt in the stream: {rows}; it went on from {found.began_from}"]


def measured_on(report: ModelReport) -> str:
    """Return which rows a version is measured on, and how often they were looked at."""
    looks = "the first look" if report.looks == 1 else f"look number {report.looks}"
    rows = counted(report.test_rows, "sealed test row") if report.learnt is None else rows_of(report)
    return f"on the {rows}: {looks} at them"


def rows_of(report: ModelReport) -> str:
    """Return how many rows a version is measured on, and what they are."""
    if report.learnt is None:
        return counted(report.test_rows, "test row")
    return f"{counted(report.test_rows, 'question')} that it answered before it learnt what came of them"


def _line(candidate: CandidateLine, found: ProgressiveLine, low: float, high: float) -> list[str]:
    value = "undefined" if found.value is None else f"{found.value:.4f}"
    curve = "".join(_bar(piece.value, low, high) for piece in found.pieces)
    return [candidate.name, f"{found.metric} {value}", curve, counted(found.rows, "row")]


def _moments(learnt: list[CandidateLine]) -> list[str]:
    """Return when the questions were asked and how long their answers took, which is the same for all candidates that saw all rows."""
    found = max((each.progressive for each in learnt if each.progressive), key=lambda each: each.rows)
    asked = [piece.asked for piece in found.pieces if piece.asked is not None]
    if not asked or found.waited_seconds is None:
        return []
    waited = format_age(timedelta(seconds=found.waited_seconds))
    return [f"    asked from {asked[0]:%Y-%m-%d}, the last part from {asked[-1]:%Y-%m-%d}; half of the answers came within {waited}"]


def _ends(values: list[float | None]) -> tuple[float, float]:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else (0.0, 0.0)


def _bar(value: float | None, low: float, high: float) -> str:
    if value is None:
        return _UNDEFINED
    return _BARS[min(len(_BARS) - 1, int((value - low) / (high - low) * len(_BARS)))] if high > low else _BARS[0]
