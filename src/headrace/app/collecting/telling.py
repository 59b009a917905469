"""What collecting frees, in lines."""

from collections import Counter
from collections.abc import Iterable, Sequence

from headrace.app.collecting.finding import Findings
from headrace.app.collecting.home import Found
from headrace.app.collecting.marking import BLOB, Item, rule_text
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.reports import GcLine, GcReport
from headrace.core.units import format_duration
from headrace.lake.sweeping import Kept, TableFiles

_NAMELESS = "named by nothing: who wrote it was stopped before"


def told(found: Findings, notes: Sequence[str] = (), *, freed: bool) -> GcReport:
    """Return what is freed, or would be."""
    lines = [
        line
        for line in (*_tables(found), *_blobs(found), *_home(found), *_predictions(found), *_left(found), *_online(found))
        if line.count
    ]
    return GcReport(
        freed=freed,
        lines=lines,
        size_bytes=sum(line.size_bytes for line in lines),
        needed=dict(Counter(found.marked.needed.values())),
        notes=[*notes, *([found.online.note] if found.online.note and not freed else [])],
    )


def _tables(found: Findings) -> Iterable[GcLine]:
    files = [kept for name, table in found.tables.items() if name != PREDICTIONS for kept in _replaced(table)]
    if found.newly:
        yield _line("table version", len(found.newly), files, ", ".join(sorted(set(found.newly.values()))))
    else:
        yield _line("file of a table", len(files), files, "of versions that nothing names")


def _blobs(found: Findings) -> Iterable[GcLine]:
    groups: dict[str, list[Kept]] = {}
    for name, kept in found.blobs.items():
        groups.setdefault(found.marked.free.get(Item(BLOB, name), _NAMELESS), []).append(kept)
    for why, several in sorted(groups.items()):
        yield _line("blob", len(several), several, why)


def _home(found: Findings) -> Iterable[GcLine]:
    for what, several in found.home.items():
        yield _line(what, len(several), several, "nothing serves from it")


def _predictions(found: Findings) -> Iterable[GcLine]:
    rule, later = rule_text("predictions", found.rules.predictions), format_duration(found.grace)
    yield GcLine(what="prediction", count=found.expired, size_bytes=0, why=f"{rule}; a gc frees their bytes {later} later")
    table = found.tables.get(PREDICTIONS)
    if table is not None:
        replaced = _replaced(table)
        yield _line("file of predictions", len(replaced), replaced, "its rows are in another file, or expired")
    yield GcLine(what="commit of predictions", count=found.commits[0], size_bytes=found.commits[1], why="a checkpoint stands for it")


def _online(found: Findings) -> Iterable[GcLine]:
    online, why = found.online, "no description has needed it for a day"
    yield GcLine(what="group of online state", count=online.groups, size_bytes=online.group_bytes, why=why)
    yield GcLine(what="record of a scoring", count=online.scorings, size_bytes=online.scoring_bytes, why=why)
    yield GcLine(what="record of a learning", count=online.learnings, size_bytes=online.learning_bytes, why=why)


def _left(found: Findings) -> Iterable[GcLine]:
    files = [*found.staged, *(kept for table in found.tables.values() for kept in table.left)]
    yield _line("left-over file", len(files), files, _NAMELESS)


def _replaced(table: TableFiles) -> list[Kept]:
    """Return the free files that a log names: the others are told of as left over."""
    left = set(table.left)
    return [kept for kept in table.free if kept not in left]


def _line(what: str, count: int, files: Iterable[Kept | Found], why: str) -> GcLine:
    return GcLine(what=what, count=count, size_bytes=sum(each.size_bytes for each in files), why=why)
