"""What collecting freed, as text for people."""

from headrace.app.reports import GcLine, GcReport
from headrace.cli.columns import columns
from headrace.core.units import format_bytes


def collected(report: GcReport) -> str:
    """What was freed, or would be, and what stays."""
    stays = f"{sum(report.needed.values()):,} table versions and blobs stay"
    if not report.lines:
        return "\n".join([f"Nothing to free: {stays}.", *report.notes])
    head = f"{'Freed' if report.freed else 'Would free'} {format_bytes(report.size_bytes)}; {stays}."
    return "\n".join([head, *columns([_cells(line) for line in report.lines], indent=2), *report.notes])


def _cells(line: GcLine) -> list[str]:
    many = "" if line.count == 1 else "s"
    noun = line.what.replace("file of", f"file{many} of").replace("commit of", f"commit{many} of")
    noun = noun if noun != line.what or " of " in line.what else f"{line.what}{many}"
    return [f"{line.count:,}", noun, format_bytes(line.size_bytes) if line.size_bytes else "", line.why]
