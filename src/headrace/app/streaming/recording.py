"""What the ledger has of a streamed table: a version each time that rows were brought into the lake."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import msgspec

from headrace.app.streamed import LATE, QUARANTINE, STREAM
from headrace.app.streaming.counting import Counts
from headrace.app.workspace import Workspace
from headrace.core.fingerprints import fingerprint
from headrace.core.moments import moment_of
from headrace.core.units import counted
from headrace.expressions import DType
from headrace.features.stores.contract import StateStore
from headrace.features.stream.positions import Position, position_prefix, read_position
from headrace.ingest.column_types import dtype_of
from headrace.ingest.sources import pins_fingerprint
from headrace.lake.lake import Lake
from headrace.ledger import tables as ledger_tables
from headrace.ledger.tables import ContractResult, NewTableVersion, TableVersion
from headrace.spec.tables import Entity, Events


class _OnRecord(Exception):
    """Another worker has recorded that version, or a newer one."""


def record_version(
    workspace: Workspace,
    lake: Lake,
    store: StateStore,
    table: Events | Entity,
    mine: Collection[int],
    pins: Mapping[str, DType],
    counts: Counts,
) -> None:
    """Record the table as the lake has it now, unless that version is on record.

    Rows are those of the tables in the lake, whoever put them there. Positions of the partitions that are `mine` are those up to which the
    lake has the rows; those of others are as they were recorded last, by whoever brought their rows into the lake. Rows dropped as
    duplicates are those before these positions.
    """
    newest = lake.tables.newest(table.name)
    with workspace.ledger.read() as session:
        last = ledger_tables.latest(session, workspace.project.name, table.name)
    if newest is None or (last is not None and last.version >= newest.version):
        return
    beside = {name: lake.tables.newest(f"{table.name}/{name}") for name in (LATE, QUARANTINE)}
    quarantine, late = beside[QUARANTINE], beside[LATE]
    known = {name.rpartition("/")[2]: read_position(value) for name, value in store.marks(position_prefix(table.name)).items()}
    schema = lake.tables.scan(table.name, newest.version).collect_schema()

    def new(positions: Mapping[str, Position]) -> NewTableVersion:
        duplicates, quarantined = sum(each.duplicates for each in positions.values()), quarantine.rows if quarantine else 0
        return NewTableVersion(
            project=workspace.project.name,
            name=table.name,
            version=newest.version,
            fingerprint=fingerprint("streamed", table.name, newest.version),
            types={name: str(dtype_of(name, kind)) for name, kind in schema.items()},
            rows_in=newest.rows + quarantined + duplicates,
            accepted=newest.rows,
            quarantined=quarantined,
            duplicates=duplicates,
            quarantine_version=quarantine.version if quarantine else None,
            profile={
                "source_types": {name: str(kind) for name, kind in pins.items()},
                "pins": pins_fingerprint(table),
                "columns": {"rows": newest.rows, "columns": []},
                STREAM: _stream(positions, late.rows if late else 0),
                "notes": ["its columns are not measured: rows came by stream", *_said_late(table.name, late.rows if late else 0)],
            },
        )

    results = [
        ContractResult(rule=rule, severity=severity, passed=failed == 0, failing_rows=failed, message=detail)
        for (rule, severity), (failed, _, detail) in counts.rules.items()
    ]
    with suppress(_OnRecord), workspace.ledger.write(workspace.identity.name, "table.version") as session:
        last = ledger_tables.latest(session, workspace.project.name, table.name)  # writers take turns: now it stays the last
        if last is not None and last.version >= newest.version:
            raise _OnRecord
        ledger_tables.record(session, new(_positions(last, known, mine)), results)


def _positions(last: TableVersion | None, known: Mapping[str, Position], mine: Collection[int]) -> dict[str, Position]:
    recorded = last.profile.get(STREAM, {}).get("positions", {}) if last is not None else {}
    theirs = {name: msgspec.convert(recorded[name], Position) if name in recorded else each for name, each in known.items()}
    return {**theirs, **{str(partition): known[str(partition)] for partition in mine if str(partition) in known}}


def _said_late(table: str, rows: int) -> list[str]:
    return [f"{counted(rows, 'row')} came late, and {'is' if rows == 1 else 'are'} in {table}/{LATE}"] if rows else []


def _stream(positions: Mapping[str, Position], late: int) -> dict[str, Any]:
    moments = [each.newest_us for each in positions.values() if each.newest_us is not None]
    newest = moment_of(max(moments)).isoformat() if moments else None
    return {"late": late, "newest": newest, "positions": {name: msgspec.to_builtins(each) for name, each in positions.items()}}
