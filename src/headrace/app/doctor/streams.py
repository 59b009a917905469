"""Streams: the online state against the lake, what waits for it, the groups that models need, and the broker's topics."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta

from headrace.app.doctor.patient import Patient, ill, mended, well
from headrace.app.errors import StreamedRowsLost
from headrace.app.reports import CheckLine
from headrace.app.spreading import Leftover, leftovers
from headrace.app.standing import in_lake, positions_of
from headrace.app.store import lake_of
from headrace.app.streamed import find_streamed, streamed_tables
from headrace.app.streaming.flushing import app_of
from headrace.app.streaming.groups import needed_groups
from headrace.app.streaming.opening import find_state
from headrace.app.streaming.outbox import outbox_key
from headrace.app.workspace import Workspace
from headrace.core.errors import HeadraceError
from headrace.core.moments import moment_of
from headrace.core.units import counted, format_bytes
from headrace.features.stores.contract import StateStore
from headrace.features.stream.positions import Position, filled_mark
from headrace.ingest.stream.opening import topic_ids_of
from headrace.ingest.stream.origins import is_another, origin_of, topic_of
from headrace.lake.lake import Lake
from headrace.spec.streams import Kafka

_ANSWER_SECONDS = 5.0
_WAITS_LONG = timedelta(minutes=10)
_IS_QUIET = timedelta(hours=6)
"""After how long without a new file a prediction by many machines counts as killed."""
_LOST = "headrace stream makes it from the lake's rows, and takes the rest from the source again; servers refuse questions until then."


def check_streams(patient: Patient) -> Iterator[CheckLine]:
    """Does the state hold what the lake has, does the lake get what the state has, and is every group there?"""
    workspace = patient.workspace
    tables = [table.name for table in streamed_tables(workspace.project)]
    if not tables:
        return
    recorded = {table.name for table in streamed_tables(workspace.project) if find_streamed(workspace, table) is not None}
    store = find_state(workspace, _ANSWER_SECONDS)
    if store is None:
        if recorded:
            yield ill("streams", f"the online state is gone, and {', '.join(sorted(recorded))} had been streamed", _LOST)
        else:
            yield well("streams", "nothing was streamed yet")
        return
    with closing(store):
        followed = {table: positions_of(store, table) for table in tables}
        found = list(_topics(workspace, followed))
        found += [line for table in tables for line in _table(workspace, store, table, followed[table], table in recorded)]
        found += _groups(workspace, store, followed)
        several = counted(sum(map(len, followed.values())), "partition")
        yield from found or [well("streams", f"{several} of {counted(len(tables), 'table')}, state and lake agree")]


def check_spread(patient: Patient) -> Iterator[CheckLine]:
    """Does anything lie about that tasks on several machines shared, and whose work was killed?"""
    now = patient.workspace.clock.now()
    found = [each for each in leftovers(patient.workspace) if (patient.alone if each.is_of_run else now - each.touched > _IS_QUIET)]
    if not found:
        return
    told = f"{counted(len(found), 'thing')} left by killed work on several machines ({_size(found)})"
    if patient.mending:
        for each in found:
            each.remove()
        yield mended("spread", f"{told} and removed")
    else:
        yield ill("spread", f"{told}, such as {found[0].name}", "They do no harm; headrace doctor --fix removes them.")


def _table(
    workspace: Workspace, store: StateStore, table: str, positions: Mapping[int, Position], is_recorded: bool
) -> Iterator[CheckLine]:
    if is_recorded and not positions:
        yield ill("streams", f"the online state knows nothing of {table}, which had been streamed", _LOST)
        return
    lake, reached = lake_of(workspace), in_lake(store, table, positions)
    for number, position in positions.items():
        yield from _partition(lake, table, number, position, reached[number])
        if position.next_offset > reached[number] and any(store.read([outbox_key(table, number)])[0]):
            yield from _waits(f"partition {number} of {table}", position, workspace.clock.now())


def _partition(lake: Lake, table: str, number: int, position: Position, reached: int) -> Iterator[CheckLine]:
    last, where = lake.tables.appended(table, app_of(table, number)), f"partition {number} of {table}"
    if reached and (last is None or last < reached):
        lost = StreamedRowsLost(table, lake.tables.location(table), reached, last)
        yield ill("streams", lost.problem, lost.remedy)
    elif last is not None and position.next_offset < last:
        told = f"the online state of {where} is older than the lake: it is at message {position.next_offset:,}, the lake at {last:,}"
        yield ill("streams", told, "headrace stream takes those again, none into the lake twice. See that the state is durable.")


def _waits(where: str, position: Position, now: datetime) -> Iterator[CheckLine]:
    if position.committed_us is not None:
        since = moment_of(position.committed_us)
        if now - since > _WAITS_LONG:
            told = f"rows of {where} wait for the lake since {since:%Y-%m-%d %H:%M} UTC at the latest"
            yield ill("streams", told, "headrace stream --once brings them there. If a worker is at work, its notes say why it does not.")


def _topics(workspace: Workspace, followed: Mapping[str, Mapping[int, Position]]) -> Iterator[CheckLine]:
    """Does each broker answer, and are its topics those that were read?"""
    for table in streamed_tables(workspace.project):
        source, origins = table.source, {each.origin for each in followed[table.name].values()}
        if not isinstance(source, Kafka) or not origins:
            continue
        try:
            ids = topic_ids_of(source, workspace.secrets, _ANSWER_SECONDS)
        except HeadraceError as fault:
            yield ill("streams", workspace.secrets.redact(fault.problem), workspace.secrets.redact(fault.remedy))
            continue
        now = {topic: origin_of(topic, identifier) for topic, identifier in ids.items()}
        for topic in sorted({topic_of(each) for each in origins if is_another(each, now.get(topic_of(each), each))}):
            told = f"topic {topic!r} was deleted and made anew since it was read into {table.name}: its offsets count other messages"
            yield ill("streams", told, "Give the table another name and begin again: positions and state are kept by it.")


def _groups(workspace: Workspace, store: StateStore, followed: Mapping[str, Mapping[int, Position]]) -> Iterator[CheckLine]:
    for table, layouts in needed_groups(workspace, {}).layouts.items():
        marks = [filled_mark(layout.space, number) for layout in layouts for number in followed[table]]
        _, values = store.read([], marks)
        missing = sum(value is None for value in values)
        if missing:
            told = f"models need {counted(len(layouts), 'group')} of state of {table}, and {missing} of {len(marks)} parts are not filled"
            yield ill("streams", told, "headrace stream fills them from the lake as it begins; servers refuse questions until then.")


def _size(found: list[Leftover]) -> str:
    return format_bytes(sum(each.size_bytes for each in found))
