"""What collecting freed, as text for people."""

from headrace.app.reports import GcLine, GcReport
from headrace.cli.columns import columns
from headrace.core.units import counted, format_bytes


def collected(report: GcReport) -> str:
    """What was freed, or would be, and what stays."""
    stays = counted(sum(report.needed.values()), "table version or blob stays", "table versions and blobs stay")
    if not report.lines:
        return "\n".join([f"Nothing to free: {stays}.", *report.notes])
    head = f"{'Freed' if report.freed else 'Would free'} {format_bytes(report.size_bytes)}; {stays}."
    return "\n".join([head, *columns([_cells(line) for line in report.lines], indent=2), *report.notes])


def _cells(line: GcLine) -> list[str]:
    head, of, rest = line.what.partition(" of ")
    number, _, noun = counted(line.count, head).partition(" ")
    return [number, f"{noun}{of}{rest}", format_bytes(line.size_bytes) if line.size_bytes else "", line.why]
