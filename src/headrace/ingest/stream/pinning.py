"""The types of a stream's columns, settled by its first rows: later ones are held to them."""

from collections.abc import Mapping

import polars as pl

from headrace.core.errors import suggest
from headrace.expressions import DType
from headrace.ingest.errors import ColumnProblem
from headrace.ingest.inference import infer
from headrace.ingest.mapping import known_columns
from headrace.ingest.stream.messages import Writing
from headrace.spec.expectations import RowRule
from headrace.spec.tables import INGESTED, Entity, Table, deletion_of


def pin_types(frame: pl.DataFrame, writing: Writing, table: Table) -> dict[str, DType]:
    """Return the types of the source's columns: those of the contract, else what the source says, else what these rows show.

    A column without any value here and without a type is left out, unless it is a time.

    Raises:
        ColumnProblem: if the table names one that is left out, or all are.
        UnsupportedColumn: for a column of a type that tables do not hold.
    """
    shown = {name: infer(frame[name], writing.textual, writing.dialect) for name in frame.columns if name not in table.types}
    said = {**{name: kind for name, kind in shown.items() if kind is not None}, **writing.types, **types_of_source(table)}
    times = {name for name in (table.time, *known_columns(table)) if name and name != INGESTED}
    for name in frame.columns:
        if name in times:
            said.setdefault(name, DType.DATETIME)
    _require(table, said)
    if not said:
        problem = f"the first rows of table {table.name!r} have no value in any column, so that it would have none."
        raise ColumnProblem(problem, remedy="Say which it has, for example: types={'id': 'int'}.", location=table.location)
    # In the order of the source, so that the table's columns come in an order that people know.
    ordered = [*(name for name in frame.columns if name in said), *(name for name in said if name not in frame.columns)]
    return {name: said[name] for name in ordered}


def types_of_source(table: Table) -> Mapping[str, DType]:
    """Return the pinned types of columns that come from the source; of a column that is made the source may have one of that name."""
    return {name: kind for name, kind in table.types.items() if name not in table.columns}


def _require(table: Table, pins: Mapping[str, DType]) -> None:
    known = {*pins, *table.columns}
    for use, name in _named(table):
        if name not in known:
            problem = f"{use} of table {table.name!r} names {name!r}, and the first rows have no value of it, so its type is not known."
            remedy = f"Say it: types={{{name!r}: 'string'}}. {suggest(name, known)}"
            raise ColumnProblem(problem, remedy=remedy, location=table.location)


def _named(table: Table) -> list[tuple[str, str]]:
    named = [("time=", table.time), *(("known=", name) for name in known_columns(table))]
    named += [("known=", name) for name in table.known if name != "*"] if isinstance(table.known, Mapping) else []
    named += [("id=", name) for name in table.id] + [("personal=", name) for name in table.personal]
    named += [("key=", name) for name in table.key] if isinstance(table, Entity) else []
    deleted = deletion_of(table)
    named += [("deleted=", name) for name in sorted(deleted.columns())] if deleted is not None else []
    named += [(f"columns[{made!r}]", name) for made, expression in table.columns.items() for name in sorted(expression.columns())]
    named += [(f"the rule {rule.title}", name) for rule in table.expect if isinstance(rule, RowRule) for name in sorted(rule.columns)]
    return [(use, name) for use, name in named if name and name != INGESTED]
