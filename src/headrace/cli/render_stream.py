"""How a stream's progress and summary are shown to people."""

from datetime import datetime

from headrace.app.status_reports import AskedModel, FollowedPartition, FollowedTable, StatusReport
from headrace.app.stream_reports import LearntLine, ScoredLine, StreamedLine, StreamProgress, StreamReport
from headrace.cli.columns import columns
from headrace.core.units import counted

_MOST_PARTITIONS = 16


def lines(progress: StreamProgress) -> list[str]:
    """Return a line for each table and model: how many rows came or were answered, how fast, how far behind, and what was left out."""
    seconds = progress.seconds
    tables, models = (_line(each, seconds) for each in progress.tables), (_scored(each, seconds) for each in progress.models)
    return [*tables, *models, *map(_learnt, progress.learners)]


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
    learnt = [f"  {_learnt(each)}" for each in report.learners]
    return "\n".join([head, *columns(rows), *scored, *learnt, *(f"  {note}" for note in report.notes)])


def standing(report: StatusReport) -> list[str]:
    """Return how streamed tables stand, and the models that answer what comes."""
    return [line for each in report.streams for line in _followed(each)] + [_asked(each) for each in report.asked]


def _followed(table: FollowedTable) -> list[str]:
    newest = "the lake has no row yet" if table.recorded is None else f"newest row in the lake {_moment(table.newest)}"
    head = [f"  {table.table}  {table.source}", *([f"    {table.trouble}"] if table.trouble else [])]
    if not table.partitions:
        return [*head, f"    {table.why}; {newest}"]
    watermark = f"watermark {_moment(table.watermark)}" + (f" ({table.why})" if table.why else "")
    counts = f"{table.accepted:,} accepted, {table.late:,} late, {counted(table.duplicates, 'duplicate')}"
    rows = [["partition", "next", "in the lake", "behind", "watermark", "last commit"]]
    rows += [_partition(each) for each in table.partitions[:_MOST_PARTITIONS]]
    left = len(table.partitions) - _MOST_PARTITIONS
    return [
        *head,
        f"    {watermark}, {_behind(table.behind)}",
        f"    {counts}, {table.quarantined:,} quarantined",
        f"    {newest}, last commit {_moment(table.committed)}; {_workers(table)}",
        *columns(rows, indent=4),
        *([f"    and {counted(left, 'more partition')}: --json has all"] if left > 0 else []),
    ]


def _partition(each: FollowedPartition) -> list[str]:
    behind = "-" if each.behind is None else f"{each.behind:,}"
    return [str(each.partition), f"{each.next:,}", f"{each.in_lake:,}", behind, _moment(each.watermark), _moment(each.committed)]


def _behind(messages: int | None) -> str:
    return "not known how far behind" if messages is None else f"{messages:,} behind"


def _workers(table: FollowedTable) -> str:
    if not table.workers:
        return "no worker follows it"
    told = [f"{each.host}:{each.process}" + ("" if each.alive else f", silent since {_moment(each.seen)}") for each in table.workers]
    return f"{counted(len(told), 'worker')} ({'; '.join(told)})"


def _asked(model: AskedModel) -> str:
    who = model.version or f"{model.model}, which has no champion yet,"
    counts = f"{model.asked:,} asked, {model.answered:,} answered, {model.refused:,} could not be answered, {model.waiting:,} waiting"
    return f"  {who} answers {model.spine} to {', '.join(['the log', *model.to])}: {counts}"


def _line(line: StreamedLine, seconds: float) -> str:
    if line.filled is not None:
        done, total = line.filled
        return f"{line.table}: its state is made from the lake, {done:,} of {counted(total, 'row')}"
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


def _learnt(line: LearntLine) -> str:
    parts = [f"{line.version or line.model}: learnt {counted(line.learned, 'row')}"]
    told = ((line.unasked, "came too late to be asked about"), (line.waiting, "waiting for their answer"))
    parts += [f"{count:,} {what}" for count, what in told if count]
    return ", ".join([*parts, *([counted(line.versions, "version")] if line.versions else [])])


def _speed(events: int, seconds: float) -> str:
    return f" ({events / seconds:,.0f}/s)" if events and seconds else ""


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
