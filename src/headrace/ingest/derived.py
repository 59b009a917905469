"""Tables made from tables by the user's own function, called inside a boundary that says whose fault a failure is."""

from collections.abc import Iterator

import polars as pl

from headrace.core.errors import HeadraceError
from headrace.core.object_stores import store_fault
from headrace.ingest.admission import Door
from headrace.ingest.blame import blamed, first_line
from headrace.ingest.dialect import Dialect
from headrace.ingest.errors import BuildFailed
from headrace.ingest.raw import RawTable
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, DeriveRequest, Ingested
from headrace.ingest.staging import Stage
from headrace.ingest.tables import admit_rows
from headrace.spec.tables import Derived

_IN_UTC = Dialect(timezone="UTC")
_ROWS = 50_000


def derive_table(request: DeriveRequest) -> Ingested:
    """Call the table's function on its inputs and hold the outcome to the contract, as a source's rows are.

    The function may return its rows in any order: they are sorted by time, id and then every other column, so that the same rows are
    always the same table. `_arrival` and `_ingested` of the inputs do not pass through.

    Raises:
        BuildFailed: if the function raises or returns something else, with the user's line.
        and what `ingest_table` raises of columns and contracts.
    """
    table = request.table
    stage = Stage(request.scratch, "made")
    for frame in _made(table, request.inputs):
        stage.write(frame)
        request.heard(frame.height)
    made = stage.close()
    door = Door(table, request.now, request.pseudonym_key, request.previous, request.scratch, request.heard)
    return admit_rows(RawTable(tuple(made.schema), frozenset(), made.frames, made.schema), request.pinned, _IN_UTC, door)


def _made(table: Derived, inputs: tuple[pl.LazyFrame, ...]) -> Iterator[pl.DataFrame]:
    name = getattr(table.build, "__name__", repr(table.build))
    try:
        made = table.build(*inputs)
        if isinstance(made, pl.DataFrame | pl.LazyFrame):
            ordered = _in_order(made.lazy(), table)
            yield pl.DataFrame(schema=ordered.collect_schema())
            yield from ordered.collect_batches(chunk_size=_ROWS, engine="streaming")
            return
    except HeadraceError:
        raise
    except Exception as error:  # whatever the user's code raises is the user's to read
        fault = store_fault(error)
        if fault is not None:  # the tables are read while Polars runs what the function returned
            raise fault from error
        where = blamed(error, table.build)
        remedy = f"It was called with {len(inputs)} LazyFrames: {', '.join(each.name for each in table.inputs)}."
        raise BuildFailed(table.name, name, f"{type(error).__name__}: {error}", remedy, where) from error
    problem = f"it returned {'nothing' if made is None else f'a {type(made).__name__}'}."
    raise BuildFailed(table.name, name, problem, "Return a Polars LazyFrame.", first_line(table.build))


def _in_order(frame: pl.LazyFrame, table: Derived) -> pl.LazyFrame:
    schema = frame.collect_schema()
    names = [name for name in schema if not name.startswith((ARRIVAL, INGESTED_AT))]
    first = [name for name in dict.fromkeys((table.time, *table.id)) if name in names]
    sortable = [name for name in names if not schema[name].is_nested()]
    ordered = frame.select(names)
    return ordered.sort(list(dict.fromkeys((*first, *sortable))), maintain_order=True) if sortable else ordered
