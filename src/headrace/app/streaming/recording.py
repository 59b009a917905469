"""What the ledger has of a streamed table: a version each time that rows were brought into the lake."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from headrace.app.streamed import LATE, QUARANTINE, STREAM
from headrace.app.streaming.counting import Counts
from headrace.app.streaming.lake_rows import column_types
from headrace.app.workspace import Workspace
from headrace.core.fingerprints import fingerprint
from headrace.core.moments import moment_of
from headrace.core.units import counted
from headrace.expressions import DType
from headrace.features.stores.contract import StateStore
from headrace.features.stream.positions import Position, position_prefix, read_position
from headrace.ingest.sources import pins_fingerprint
from headrace.lake.lake import Lake
from headrace.lake.tables import TableVersion as LakeVersion
from headrace.ledger import tables as ledger_tables
from headrace.ledger.store import NothingToWrite
from headrace.ledger.tables import ContractResult, NewTableVersion, TableVersion
from headrace.spec.tables import Entity, Events


class Brought(NamedTuple):
    """What a worker has brought into the lake.

    Attributes:
        partitions: those of which nothing waits: the lake has their rows up to where they are.
        pins: the types of the source's columns.
        counts: how rows met the rules.
    """

    partitions: Collection[int]
    pins: Mapping[str, DType]
    counts: Counts


class _InLake(NamedTuple):
    """A table as the lake has it now, and what lies beside it."""

    newest: LakeVersion
    late_rows: int
    quarantine: LakeVersion | None
    types: dict[str, str]


def record_version(workspace: Workspace, lake: Lake, store: StateStore, table: Events | Entity, brought: Brought) -> None:
    """Record the table as the lake has it now, unless that version is on record.

    Rows are those of the tables in the lake, whoever put them there. Positions are those up to which the lake has the rows: of the
    partitions that were brought, as the store has them; of others as they were recorded last, by whoever brought their rows. Rows dropped
    as duplicates are those before these positions.
    """
    name = table.name
    with workspace.ledger.read() as session:
        last = ledger_tables.latest(session, workspace.project.name, name)
    newest = lake.tables.newest(name)
    if newest is None or (last is not None and last.version >= newest.version):
        return
    found = _in_lake(lake, name, newest)
    known = {mark.rpartition("/")[2]: read_position(value) for mark, value in store.marks(position_prefix(name)).items()}
    with workspace.ledger.write(workspace.identity.name, "table.version") as session:
        last = ledger_tables.latest(session, workspace.project.name, name)  # writers take turns: now it stays the last
        if last is not None and last.version >= newest.version:
            raise NothingToWrite
        version = _version(workspace.project.name, table, found, brought.pins, _positions(last, known, brought.partitions))
        ledger_tables.record(session, version, _results(brought.counts))


def _in_lake(lake: Lake, name: str, newest: LakeVersion) -> _InLake:
    late, quarantine = (lake.tables.newest(f"{name}/{beside}") for beside in (LATE, QUARANTINE))
    types = {column: str(kind) for column, kind in column_types(lake, name, newest.version).items()}
    return _InLake(newest, late.rows if late else 0, quarantine, types)


def _version(
    project: str, table: Events | Entity, found: _InLake, pins: Mapping[str, DType], positions: Mapping[str, Position]
) -> NewTableVersion:
    newest, quarantine = found.newest, found.quarantine
    duplicates, quarantined = sum(each.duplicates for each in positions.values()), quarantine.rows if quarantine else 0
    return NewTableVersion(
        project=project,
        name=table.name,
        version=newest.version,
        fingerprint=fingerprint("streamed", table.name, newest.version),
        types=found.types,
        rows_in=newest.rows + quarantined + duplicates,
        accepted=newest.rows,
        quarantined=quarantined,
        duplicates=duplicates,
        quarantine_version=quarantine.version if quarantine else None,
        profile={
            "source_types": {name: str(kind) for name, kind in pins.items()},
            "pins": pins_fingerprint(table),
            "columns": {"rows": newest.rows, "columns": []},
            STREAM: _stream(positions, found.late_rows),
            "notes": ["its columns are not measured: rows came by stream", *_said_late(table.name, found.late_rows)],
        },
    )


def _results(counts: Counts) -> list[ContractResult]:
    return [
        ContractResult(rule=rule, severity=severity, passed=failed == 0, failing_rows=failed, message=detail)
        for (rule, severity), (failed, _, detail) in counts.rules.items()
    ]


def _positions(last: TableVersion | None, known: Mapping[str, Position], brought: Collection[int]) -> dict[str, Position]:
    recorded = last.profile.get(STREAM, {}).get("positions", {}) if last is not None else {}
    theirs = {name: msgspec.convert(recorded[name], Position) for name in known if name in recorded}
    return {**theirs, **{str(partition): known[str(partition)] for partition in brought if str(partition) in known}}


def _said_late(table: str, rows: int) -> list[str]:
    return [f"{counted(rows, 'row')} came late, and {'is' if rows == 1 else 'are'} in {table}/{LATE}"] if rows else []


def _stream(positions: Mapping[str, Position], late: int) -> dict[str, Any]:
    moments = [each.newest_us for each in positions.values() if each.newest_us is not None]
    newest = moment_of(max(moments)).isoformat() if moments else None
    return {"late": late, "newest": newest, "positions": {name: msgspec.to_builtins(each) for name, each in positions.items()}}
