"""Tables made from tables by the user's own function, called inside a boundary that says whose fault a failure is."""

from functools import partial

import polars as pl

from headrace.core.errors import HeadraceError
from headrace.ingest.admission import Door, admit
from headrace.ingest.blame import blamed, first_line
from headrace.ingest.conform import conform
from headrace.ingest.dialect import Dialect
from headrace.ingest.errors import BuildFailed
from headrace.ingest.mapping import require_source
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, DeriveRequest, Ingested
from headrace.ingest.sources import infer
from headrace.spec.tables import Derived

_IN_UTC = Dialect(timezone="UTC")


def derive_table(request: DeriveRequest) -> Ingested:
    """Call the table's function on its inputs and hold the outcome to the contract, as a source's rows are.

    The function may return its rows in any order: they are sorted by time, id and then every other column, so that the same rows are
    always the same table. `_arrival` and `_ingested` of the inputs do not pass through.

    Raises:
        BuildFailed: if the function raises or returns something else, with the user's line.
        and what `ingest_table` raises of columns and contracts.
    """
    table = request.table
    frame = _in_order(_call(table, request.inputs), table)
    pinned = {**(request.pinned or {}), **table.types}
    require_source(table, pinned, tuple(frame.columns))
    conformed = conform(frame.iter_columns(), pinned, partial(infer, textual=frozenset()), _IN_UTC)
    return admit(conformed, Door(table, request.now, request.pseudonym_key, request.previous))


def _call(table: Derived, inputs: tuple[pl.LazyFrame, ...]) -> pl.DataFrame:
    name = getattr(table.build, "__name__", repr(table.build))
    try:
        made = table.build(*inputs)
        if isinstance(made, pl.LazyFrame):
            made = made.collect()
    except HeadraceError:
        raise
    except Exception as error:  # whatever the user's code raises is the user's to read
        where = blamed(error, table.build)
        remedy = f"It was called with {len(inputs)} LazyFrames: {', '.join(each.name for each in table.inputs)}."
        raise BuildFailed(table.name, name, f"{type(error).__name__}: {error}", remedy, where) from error
    if not isinstance(made, pl.DataFrame):
        problem = f"it returned {'nothing' if made is None else f'a {type(made).__name__}'}."
        raise BuildFailed(table.name, name, problem, "Return a Polars LazyFrame.", first_line(table.build))
    return made


def _in_order(frame: pl.DataFrame, table: Derived) -> pl.DataFrame:
    frame = frame.drop([name for name in frame.columns if name.startswith((ARRIVAL, INGESTED_AT))])
    first = [name for name in dict.fromkeys((table.time, *table.id)) if name in frame.columns]
    sortable = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]
    return frame.sort(list(dict.fromkeys((*first, *sortable))), maintain_order=True) if sortable else frame
