"""How a stream's progress and summary are shown to people."""

from datetime import datetime

from headrace.app.reports import ScoredLine, StreamedLine, StreamProgress, StreamReport
from headrace.cli.columns import columns
from headrace.core.units import counted


def lines(progress: StreamProgress) -> list[str]:
    """Return a line for each table and model: how many rows came or were answered, how fast, how far behind, and what was left out."""
    return [*(_line(each, progress.seconds) for each in progress.tables), *(_scored(each, progress.seconds) for each in progress.models)]


def ended(report: StreamReport) -> str:
    """Return what a worker did."""
    events = sum(each.events for each in report.tables)
    took = f"{report.seconds:.1f} s: {counted(events, 'event')}{_speed(events, report.seconds)}"
    head = f"Followed {counted(len(report.tables), 'table')} for {took}."
    rows = [["  table", "events", "accepted", "late", "duplicates", "quarantined", "written", "behind", "watermark"]]
    rows += [
        [
            f"  {each.table}", f"{each.events:,}", f"{each.accepted:,}", f"{each.late:,}", f"{each.duplicates:,}", f"{each.quarantined:,}",
            f"{each.flushed:,}", "-" if each.behind is None else f"{each.behind:,}", _moment(each.watermark),
        ]
        for each in report.tables
    ]  # fmt: skip
    scored = [f"  {_scored(each, report.seconds)}" for each in report.models]
    return "\n".join([head, *columns(rows), *scored, *(f"  {note}" for note in report.notes)])


def _line(line: StreamedLine, seconds: float) -> str:
    parts = [f"{line.table}: {counted(line.events, 'event')}{_speed(line.events, seconds)}"]
    parts += [] if line.behind is None else [f"{line.behind:,} behind"]
    parts += [] if line.watermark is None else [f"watermark {_moment(line.watermark)}"]
    parts += [f"{count:,} {what}" for count, what in ((line.late, "late"), (line.quarantined, "quarantined")) if count]
    parts += [counted(line.duplicates, "duplicate")] if line.duplicates else []
    return ", ".join([*parts, *([line.trouble] if line.trouble else [])])


def _scored(line: ScoredLine, seconds: float) -> str:
    parts = [f"{line.version or line.model}: {counted(line.answered, 'prediction')}{_speed(line.answered, seconds)}"]
    told = ((line.refused, "could not be answered"), (line.waiting, "waiting"))
    return ", ".join([*parts, *(f"{count:,} {what}" for count, what in told if count)])


def _speed(events: int, seconds: float) -> str:
    return f" ({events / seconds:,.0f}/s)" if events and seconds else ""


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
