"""Ingesting a source into a table."""

from functools import partial

from headrace.core.errors import SystemFault
from headrace.ingest.admission import Door, admit
from headrace.ingest.conform import conform
from headrace.ingest.mapping import require_source
from headrace.ingest.requests import Ingested, IngestRequest
from headrace.ingest.sources import infer, open_source
from headrace.spec.sources import File


def ingest_table(request: IngestRequest) -> Ingested:
    """Read the source, hold it to the contract, and return what is to be written; nothing is written here.

    Raises:
        SourceUnreadable: if the file is not there or not what it is said to be.
        UnsupportedColumn, ColumnProblem: for a column that is missing or of a type that does not do.
        ExpressionTypeError, UnknownColumn: for an expression that does not fit the columns, with the user's line.
        ContractBroken: if a rule whose severity is `stop` is broken.
    """
    table, source = request.table, request.table.source
    if not isinstance(source, File):
        raise SystemFault(f"no reader is built for the source {type(source).__name__} of table {table.name!r}.", remedy="Use hr.File.")
    raw = open_source(source, request.root)
    pinned = {**(request.pinned or {}), **table.types}
    require_source(table, pinned, raw.names)
    conformed = conform(raw.columns, pinned, partial(infer, textual=raw.textual))
    return admit(conformed, Door(table, request.now, request.pseudonym_key, request.previous))
