"""Ingesting and deriving: rows into the lake, what happened to each of them into the ledger."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
import polars as pl

from headrace.app.errors import NotStreamed, SourceMoved
from headrace.app.lifecycle import Job
from headrace.app.scratch import scratch
from headrace.app.sources import open_table, source_state
from headrace.app.store import lake_of
from headrace.app.streamed import streamed_as, told_of
from headrace.app.workspace import Workspace
from headrace.core.units import counted
from headrace.engine.graph import Output, StepContext
from headrace.expressions import DType
from headrace.ingest.derived import derive_table
from headrace.ingest.folder import say_changes
from headrace.ingest.profile import TableProfile
from headrace.ingest.remarks import INFO
from headrace.ingest.requests import DeriveRequest, Ingested, IngestRequest, RuleResult, Terms
from headrace.ingest.sources import pins_fingerprint
from headrace.ingest.staging import Staged
from headrace.ingest.tables import ingest_table
from headrace.ledger import freed
from headrace.ledger import tables as ledger_tables
from headrace.ledger.tables import ContractResult, NewTableVersion
from headrace.spec.tables import INGESTED, Derived, Entity, Events, Table


def ingest(job: Job, context: StepContext) -> Output:
    """Read a source into its table.

    Raises:
        SourceMoved: if the source is no longer what the step's fingerprint stands for: nothing is written then.
    """
    table, workspace = job.table, job.workspace
    assert isinstance(table, Events | Entity)
    last = _last(workspace, table)
    raw = open_table(workspace, table)
    with scratch(workspace.settings.home) as folder:
        made = ingest_table(IngestRequest(table=table, raw=raw, before=last.profile, **vars(_terms(job, context, last, folder))))
        # The step's fingerprint stands for what the files held before they were read; they still hold it, or the rows are of neither.
        state = source_state(workspace, table)
        if state.fingerprint != job.source:
            raise SourceMoved(table.name, table.location)
        return _keep(job, context, made, state.files, raw.notes, say_changes(last.files, state.files))


def pin(job: Job, context: StepContext) -> Output:
    """Take the version of a table that a stream had recorded last when the run began.

    Raises:
        NotStreamed: if nothing was streamed yet.
    """
    del context  # it takes no time to tell of
    table, workspace = job.table, job.workspace
    assert isinstance(table, Events | Entity)
    version = streamed_as(workspace, table, job.source)
    if version is None:
        raise NotStreamed(table.name, table.location)
    return {
        "table": table.name,
        "version": version.version,
        "record": version.id,
        "made_from": [],
        "rows": version.accepted,
        "types": version.types,
        "summary": told_of(version),
    }


def derive(job: Job, context: StepContext) -> Output:
    """Make a table from tables."""
    table, workspace = job.table, job.workspace
    assert isinstance(table, Derived)
    inputs = tuple(_accepted(workspace, context, parent) for parent in table.inputs)
    last = _last(workspace, table)
    with scratch(workspace.settings.home) as folder:
        return _keep(job, context, derive_table(DeriveRequest(table=table, inputs=inputs, **vars(_terms(job, context, last, folder)))))


class _Last(NamedTuple):
    """What ingestion must know of a table's last version; nothing the first time.

    Attributes:
        pinned: the types it pinned, if they still bind.
        previous: its rows, where their moment of ingestion must be kept.
        profile: its columns, by which a renamed one is recognised.
        files: the files it was read from, by their names with what they held.
    """

    pinned: Mapping[str, DType] | None = None
    previous: pl.LazyFrame | None = None
    profile: TableProfile | None = None
    files: Mapping[str, str] = MappingProxyType({})


def _terms(job: Job, context: StepContext, last: _Last, folder: Path) -> Terms:
    return Terms(
        now=job.workspace.clock.now(),
        pseudonym_key=job.workspace.pseudonym_key(),
        scratch=folder,
        pinned=last.pinned,
        previous=last.previous,
        heard=lambda rows: context.report(rows, None, "rows"),
    )


def _told(rows: Staged, context: StepContext) -> Iterator[pl.DataFrame]:
    """Give the rows, and tell how many are behind: whoever wants the run to stop is heard then."""
    behind = 0
    for frame in rows.frames():
        yield frame
        behind += frame.height
        context.report(behind, rows.height, "rows")


def _accepted(workspace: Workspace, context: StepContext, table: Table) -> pl.LazyFrame:
    output = next(output for name, output in context.inputs.items() if name.partition(":")[2] == table.name)
    return lake_of(workspace).tables.scan(table.name, output["version"])


def _last(workspace: Workspace, table: Table) -> _Last:
    with workspace.ledger.read() as session:
        last = ledger_tables.latest(session, workspace.project.name, table.name)
        gone = last is not None and freed.find(session, last.project, freed.TABLE, last.name, last.version) is not None
    if last is None:
        return _Last()
    known = table.known.values() if isinstance(table.known, Mapping) else (table.known,)
    # The moments of a table that was long out of use are gone with it: its rows count as known from now on, none as known too early.
    previous = lake_of(workspace).tables.scan(table.name, last.version) if INGESTED in known and not gone else None
    pinned = {name: DType(kind) for name, kind in last.profile["source_types"].items()}
    return _Last(
        pinned=pinned if last.profile["pins"] == pins_fingerprint(table) else None,
        previous=previous,
        profile=msgspec.convert(last.profile["columns"], TableProfile),
        files=last.profile.get("files", {}),
    )


def _keep(
    job: Job,
    context: StepContext,
    made: Ingested,
    files: Mapping[str, str] = MappingProxyType({}),
    notes: tuple[str, ...] = (),
    changes: tuple[str, ...] = (),
) -> Output:
    workspace, table = job.workspace, job.table
    assert table is not None
    lake = lake_of(workspace)
    quarantined = lake.tables.write(f"{table.name}/quarantine", _told(made.quarantined, context)) if made.quarantined.height else None
    written = lake.tables.write(table.name, _told(made.accepted, context))
    new = NewTableVersion(
        project=workspace.project.name,
        name=table.name,
        version=written.version,
        fingerprint=job.fingerprint,
        types={name: str(kind) for name, kind in made.types.items()},
        rows_in=made.rows_in,
        accepted=made.accepted.height,
        quarantined=made.quarantined.height,
        duplicates=made.duplicates,
        quarantine_version=quarantined.version if quarantined else None,
        profile={
            "source_types": {name: str(kind) for name, kind in made.source_types.items()},
            "pins": pins_fingerprint(table),
            "columns": msgspec.to_builtins(made.profile),
            **({"files": dict(files)} if files else {}),
            **({"notes": list(notes)} if notes else {}),
        },
        run_id=context.run_id,
    )
    results = [
        ContractResult(rule=result.rule, severity=result.severity, passed=result.passed, failing_rows=result.failed, message=result.detail)
        for result in made.results
    ]
    with workspace.ledger.write(workspace.identity.name, "table.version") as session:
        record = ledger_tables.record(session, new, results)
    parts = f"{made.accepted.height:,} accepted + {made.quarantined.height:,} quarantined + {counted(made.duplicates, 'duplicate')}"
    counts = f"{counted(made.rows_in, 'row')} in = {parts}"
    said = [result.rule if result.severity == INFO else f"{result.rule}: {result.failed:,}" for result in made.results if _is_told(result)]
    return {
        "table": table.name,
        "version": written.version,
        "record": record.id,
        "made_from": list(dict.fromkeys(each for output in context.inputs.values() for each in (*output["made_from"], output["record"]))),
        "rows": made.accepted.height,
        "types": new.types,
        "summary": "; ".join((counts + (f" ({'; '.join(said)})" if said else ""), *notes, *changes)),
    }


def _is_told(result: RuleResult) -> bool:
    return not result.passed or result.severity == INFO
