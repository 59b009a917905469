"""Ingesting a source into a table."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from headrace.expressions import DType
from headrace.ingest.admission import Admission, Door
from headrace.ingest.conform import conform
from headrace.ingest.dialect import Dialect, dialect_of
from headrace.ingest.evolution import follow
from headrace.ingest.inference import settle_types
from headrace.ingest.mapping import require_source
from headrace.ingest.privacy import personal_sources
from headrace.ingest.profile import TableProfile
from headrace.ingest.raw import RawTable, Replay
from headrace.ingest.requests import Ingested, IngestRequest
from headrace.ingest.watch import Watch


def ingest_table(request: IngestRequest) -> Ingested:
    """Read the source, hold it to the contract, and return what is to be written; nothing is written but in `request.scratch`.

    The rows are read twice unless all types are pinned: once to find the types, once to convert and judge. They are in memory a chunk at
    a time, and whole only if they are few.

    Raises:
        SourceUnreadable: if the file is not what it is said to be.
        UnsupportedColumn, ColumnProblem: for a column that is missing or of a type that does not do.
        ExpressionTypeError, UnknownColumn: for an expression that does not fit the columns, with the user's line.
        ContractBroken: if a rule whose severity is `stop` is broken.
    """
    table = request.table
    door = Door(table, request.now, request.pseudonym_key, request.previous, request.scratch, request.heard)
    return admit_rows(request.raw, request.pinned, dialect_of(table.source), door, request.before)


def admit_rows(
    raw: RawTable, pins: Mapping[str, DType] | None, dialect: Dialect, door: Door, before: TableProfile | None = None
) -> Ingested:
    """Let raw rows follow the table's rules from what they were before, settle their types and let them in."""
    table = door.table
    followed = follow(replace(raw, chunks=Replay(raw.chunks)), pins, table, dialect, before)
    raw, pinned = followed.raw, {**followed.pinned, **table.types}
    require_source(table, pinned, raw.names)
    columns = settle_types(raw, pinned, dialect, door.heard)
    admission, watch, rows = Admission(door, columns), Watch(columns.types, raw.textual, personal_sources(table), dialect), 0
    for chunk in raw.chunks():
        conformed = conform(chunk, columns.types, rows, dialect)
        watch.see(chunk, conformed, rows)
        admission.take(conformed)
        rows += chunk.height
        door.heard(rows)
    if not rows:
        admission.take(conform(pl.DataFrame(schema=dict.fromkeys(raw.names, pl.Null)), columns.types, 0, dialect))
    return admission.close((*followed.results, *watch.remarks()))
