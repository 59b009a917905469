"""Ingesting a source into a table."""

from dataclasses import replace

import polars as pl

from headrace.expressions import DType
from headrace.ingest.admission import Admission, Door
from headrace.ingest.conform import conform
from headrace.ingest.dialect import Dialect, dialect_of
from headrace.ingest.inference import settle_types
from headrace.ingest.mapping import require_source
from headrace.ingest.raw import RawTable, Replay
from headrace.ingest.requests import Ingested, IngestRequest


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
    table, raw = request.table, request.raw
    pinned = {**(request.pinned or {}), **table.types}
    require_source(table, pinned, raw.names)
    door = Door(table, request.now, request.pseudonym_key, request.previous, request.scratch, request.heard)
    return admit_rows(raw, pinned, dialect_of(table.source), door)


def admit_rows(raw: RawTable, pinned: dict[str, DType], dialect: Dialect, door: Door) -> Ingested:
    """Settle the types of raw rows and let them in."""
    raw = replace(raw, chunks=Replay(raw.chunks))
    columns = settle_types(raw, pinned, dialect, door.heard)
    admission, rows = Admission(door, columns), 0
    for chunk in raw.chunks():
        admission.take(conform(chunk, columns.types, rows, dialect))
        rows += chunk.height
        door.heard(rows)
    if not rows:
        admission.take(conform(pl.DataFrame(schema=dict.fromkeys(raw.names, pl.Null)), columns.types, 0, dialect))
    return admission.close()
