"""How the streams of a project stand: what the store, the ledger and, if it answers soon, the broker know of them."""

from collections.abc import Collection, Mapping
from contextlib import closing
from datetime import datetime

from headrace.app.models import label
from headrace.app.scoring.champion import find_champion
from headrace.app.scoring.questions import asked_of
from headrace.app.status_reports import AskedModel, FollowedPartition, FollowedTable, WorkerLine
from headrace.app.streamed import STREAM, find_streamed, streamed_tables
from headrace.app.streaming.flushing import flushed_mark
from headrace.app.streaming.opening import find_state
from headrace.app.streaming.presence import SILENT, Sign, workers_of
from headrace.app.workspace import Workspace
from headrace.core.errors import HeadraceError
from headrace.core.moments import microseconds, moment_of
from headrace.features.stores.contract import StateStore
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.positions import Position, position_prefix, read_position, table_watermark
from headrace.ingest.mapping import known_columns
from headrace.ingest.stream.opening import ends_of
from headrace.spec.scoring import Scoring
from headrace.spec.streams import Kafka, Streamed
from headrace.spec.tables import Entity, Events

_ANSWER_SECONDS = 2.0
_ASK_SECONDS = 1.0


def streams_standing(workspace: Workspace) -> tuple[list[FollowedTable], list[AskedModel]]:
    """Return how the streamed tables stand, and the models that answer what comes. What is away is said, and not waited for long."""
    try:
        store = find_state(workspace, _ANSWER_SECONDS) or MemoryStore()
    except HeadraceError as fault:
        return _of(workspace, MemoryStore(), workspace.secrets.redact(fault.problem))
    with closing(store):
        try:
            return _of(workspace, store)
        except HeadraceError as fault:  # it was there a moment ago
            return _of(workspace, MemoryStore(), workspace.secrets.redact(fault.problem))


def _of(workspace: Workspace, store: StateStore, trouble: str = "") -> tuple[list[FollowedTable], list[AskedModel]]:
    silent: set[str] = set()
    tables = [_followed(workspace, store, table, trouble, silent) for table in streamed_tables(workspace.project)]
    return tables, [_asked(workspace, store, scoring, trouble) for scoring in workspace.project.scorings]


def positions_of(store: StateStore, table: str) -> dict[int, Position]:
    """Return how far each partition of a table was followed."""
    found = {int(name.rpartition("/")[2]): read_position(value) for name, value in store.marks(position_prefix(table)).items()}
    return dict(sorted(found.items()))


def in_lake(store: StateStore, table: str, partitions: Collection[int]) -> dict[int, int]:
    """Return up to which message of each partition the lake has the rows, as the store knows it."""
    _, found = store.read([], [flushed_mark(table, number) for number in partitions])
    return {number: int(value or b"0") for number, value in zip(partitions, found, strict=True)}


def _followed(workspace: Workspace, store: StateStore, table: Events | Entity, trouble: str, silent: set[str]) -> FollowedTable:
    source, now = table.source, workspace.clock.now()
    assert isinstance(source, Streamed)
    positions, recorded = positions_of(store, table.name), find_streamed(workspace, table)
    ends, unheard = _ends(workspace, source, positions, silent)
    behind = {number: max(0, ends[number] - each.next_offset) for number, each in positions.items() if number in ends}
    newest = None if recorded is None else recorded.profile[STREAM].get("newest")
    mark = table_watermark(list(positions.values()), microseconds(now))
    return FollowedTable(
        table=table.name,
        source=source.place,
        watermark=_moment(mark),
        why="" if mark is not None else _why(table, positions, _nothing(trouble, recorded is not None)),
        behind=sum(behind.values()) if positions and len(behind) == len(positions) else None,
        **_counts(positions.values()),
        newest=None if newest is None else datetime.fromisoformat(newest),
        recorded=None if recorded is None else recorded.created,
        committed=_moment(max((each.committed_us for each in positions.values() if each.committed_us is not None), default=None)),
        partitions=_partitions(store, table, positions, behind),
        workers=[_worker(each, table.name, now) for each in workers_of(store, table.name)],
        trouble="; ".join(filter(None, (trouble, unheard))),
    )


def _partitions(
    store: StateStore, table: Events | Entity, positions: Mapping[int, Position], behind: Mapping[int, int]
) -> list[FollowedPartition]:
    lake = in_lake(store, table.name, positions)
    return [
        FollowedPartition(
            partition=number,
            next=each.next_offset,
            in_lake=lake[number],
            behind=behind.get(number),
            watermark=_moment(each.watermark_us),
            why="" if each.watermark_us is not None else _why(table, {number: each}),
            committed=_moment(each.committed_us),
            **_counts([each]),
        )
        for number, each in positions.items()
    ]


def _counts(positions: Collection[Position]) -> dict[str, int]:
    return {
        "accepted": sum(each.accepted for each in positions),
        "late": sum(each.late for each in positions),
        "duplicates": sum(each.duplicates for each in positions),
        "quarantined": sum(each.quarantined for each in positions),
    }


def _nothing(trouble: str, is_recorded: bool) -> str:
    """Return why there may be no position."""
    if trouble:
        return "the online state cannot be asked"
    return "the online state knows nothing of it: headrace doctor" if is_recorded else "nothing was streamed yet"


def _why(table: Events | Entity, positions: Mapping[int, Position], nothing: str = "") -> str:
    """Return why there is no watermark."""
    if not positions:
        return nothing
    if not known_columns(table):
        return "its rows have no time"
    empty = [number for number, each in positions.items() if each.watermark_us is None]
    told = "no row with a moment came yet" + (f" into partition {', '.join(map(str, empty[:3]))}" if len(positions) > 1 else "")
    more = f" and {len(empty) - 3} more" if len(empty) > 3 and len(positions) > 1 else ""
    without_idle = isinstance(table.source, Streamed) and table.source.idle is None
    return told + more + ("; idle= lets such a partition not hold the others back" if without_idle and len(positions) > 1 else "")


def _ends(workspace: Workspace, source: Streamed, numbers: Collection[int], silent: set[str]) -> tuple[dict[int, int], str]:
    """Return where the partitions end, and why that could not be asked; who did not answer once is not asked again."""
    if not isinstance(source, Kafka) or source.servers in silent or not numbers:
        return {}, ""
    try:
        return ends_of(source, numbers, workspace.secrets, _ASK_SECONDS), ""
    except HeadraceError as fault:
        silent.add(source.servers)
        return {}, workspace.secrets.redact(fault.problem)


def _worker(sign: Sign, table: str, now: datetime) -> WorkerLine:
    seen = moment_of(sign.seen_us)
    return WorkerLine(
        host=sign.host,
        process=sign.process,
        started=moment_of(sign.started_us),
        seen=seen,
        partitions=sign.tables[table],
        alive=now - seen < SILENT,
    )


def _asked(workspace: Workspace, store: StateStore, scoring: Scoring, trouble: str) -> AskedModel:
    asked = asked_of(store, scoring.model.name)
    champion = find_champion(workspace, scoring.model.name)
    return AskedModel(
        model=scoring.model.name,
        spine=scoring.model.features.spine.name,
        version=None if champion is None else label(champion),
        to=[each.place for each in scoring.to],
        asked=sum(each.asked for each in asked),
        answered=sum(each.answered for each in asked),
        refused=sum(each.refused for each in asked),
        waiting=sum(each.waiting for each in asked),
        trouble=trouble,
    )


def _moment(microseconds_since: int | None) -> datetime | None:
    return None if microseconds_since is None else moment_of(microseconds_since)
