"""To which moment of a stream a row belongs."""

import polars as pl

from headrace.ingest.mapping import known_columns
from headrace.ingest.requests import INGESTED_AT
from headrace.spec.tables import INGESTED, Table


def earliest_known(table: Table) -> pl.Expr | None:
    """Return, over accepted rows, when the first of a row's values became known: null for a row of which nothing ever was.

    None for a table without time, whose rows were always known.
    """
    names = [INGESTED_AT if name == INGESTED else name for name in known_columns(table)]
    return pl.min_horizontal(names) if names else None
