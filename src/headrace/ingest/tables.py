"""Ingesting a source into a table."""

from functools import partial

from headrace.ingest.admission import Door, admit
from headrace.ingest.conform import conform
from headrace.ingest.dialect import dialect_of
from headrace.ingest.mapping import require_source
from headrace.ingest.requests import Ingested, IngestRequest
from headrace.ingest.sources import infer


def ingest_table(request: IngestRequest) -> Ingested:
    """Read the source, hold it to the contract, and return what is to be written; nothing is written here.

    Raises:
        SourceUnreadable: if the file is not there or not what it is said to be.
        UnsupportedColumn, ColumnProblem: for a column that is missing or of a type that does not do.
        ExpressionTypeError, UnknownColumn: for an expression that does not fit the columns, with the user's line.
        ContractBroken: if a rule whose severity is `stop` is broken.
    """
    table, raw = request.table, request.raw
    pinned = {**(request.pinned or {}), **table.types}
    require_source(table, pinned, raw.names)
    dialect = dialect_of(table.source)
    conformed = conform(raw.columns(), pinned, partial(infer, textual=raw.textual, dialect=dialect), dialect)
    return admit(conformed, Door(table, request.now, request.pseudonym_key, request.previous))
