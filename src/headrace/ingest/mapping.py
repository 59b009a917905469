"""The table's own columns: new or changed ones, in expressions over the source's."""

from collections.abc import Iterable

import polars as pl

from headrace.core.errors import suggest
from headrace.expressions import DType, infer
from headrace.expressions.polars_backend import to_polars
from headrace.ingest.column_types import POLARS_TYPES
from headrace.ingest.errors import ColumnProblem
from headrace.ingest.inference import ColumnTypes
from headrace.ingest.sources import RESERVED
from headrace.spec.tables import INGESTED, Entity, Table, deletion_of


def add_columns(frame: pl.DataFrame, types: dict[str, DType], table: Table) -> tuple[pl.DataFrame, dict[str, DType]]:
    """Return the frame and its types with the table's `columns`, in order: each may use the source's and the ones before it.

    Raises:
        ExpressionTypeError, UnknownColumn: for an expression that does not fit, with the user's line.
        ColumnProblem: for an expression without a type, one whose type is not the pinned one, or a reserved name.
    """
    schema, lazy = dict(types), frame.lazy()
    for name, expression in table.columns.items():
        if name in RESERVED:
            problem = f"{name!r} of table {table.name!r} is a name that Headrace keeps for itself."
            raise ColumnProblem(problem, remedy="Choose another.", location=table.location)
        kind = infer(expression, schema)
        if kind is DType.NULL:
            problem = f"the column {name!r} of table {table.name!r} is null of no type: {expression}."
            raise ColumnProblem(problem, remedy="Say which: .cast('int').", location=table.location)
        if table.types.get(name, kind) != kind:
            problem = f"the column {name!r} of table {table.name!r} is pinned as {table.types[name]}, but {expression} is {kind}."
            raise ColumnProblem(problem, remedy=f"Add .cast({str(table.types[name])!r}), or change types=.", location=table.location)
        lazy = lazy.with_columns(to_polars(expression, schema).cast(POLARS_TYPES[kind]).alias(name))
        schema[name] = kind
    return lazy.collect(), schema


def mapped(good: pl.DataFrame, columns: ColumnTypes, table: Table) -> tuple[pl.DataFrame, dict[str, DType]]:
    """Return rows of the source as rows of the table, and the types of its columns.

    Raises:
        ColumnProblem, ExpressionTypeError, UnknownColumn: if the declaration does not fit the rows, or names are not distinct.
    """
    frame, types = add_columns(good, columns.types, table)
    _require_distinct(table, types)
    without_value = frozenset(columns.types) - frozenset(columns.known) - frozenset(table.columns)
    times = require_columns(table, types, without_value)
    return frame.with_columns(pl.col(name).cast(POLARS_TYPES[kind]) for name, kind in times.items()), types | times


def require_source(table: Table, pinned: dict[str, DType], names: tuple[str, ...]) -> None:
    """Check that the source still has what the contract pins.

    Raises:
        ColumnProblem: naming a column that is gone, unless `columns` makes it.
    """
    for name in pinned:
        if name not in names and name not in table.columns:
            problem = f"the source of table {table.name!r} has no column {name!r}, which the contract pins as {pinned[name]}."
            remedy = f"{suggest(name, names)} If it is gone for good: take it out of types=."
            raise ColumnProblem(problem, remedy=remedy, location=table.location)


def _require_distinct(table: Table, names: Iterable[str]) -> None:
    """Check that names differ by more than capital letters: the lake's tables do not tell such columns apart."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            problem = f"the columns {other!r} and {name!r} of table {table.name!r} differ by capital letters alone."
            remedy = f"Call one otherwise: evolve=hr.Evolve(rename={{{name!r}: ...}}), or in columns= if it is made there."
            raise ColumnProblem(problem, remedy=remedy, location=table.location)


def require_columns(table: Table, types: dict[str, DType], empty: frozenset[str]) -> dict[str, DType]:
    """Check that every column that the table names is there, and that times are datetimes; return the columns to be read as datetimes.

    A column in `empty` has no value from which its type could be told; as a time it is a datetime.

    Raises:
        ColumnProblem: naming the missing column and the nearest there is.
    """
    for use, names in _uses(table).items():
        for name in names:
            if name not in types:
                problem = f"{use} of table {table.name!r} names {name!r}, which is no column of it."
                raise ColumnProblem(problem, remedy=suggest(name, types), location=table.location)
    times = [name for name in dict.fromkeys((table.time, *known_columns(table))) if name and name != INGESTED]
    for name in times:
        if types[name] is not DType.DATETIME and name not in empty:
            problem = f"the column {name!r} of table {table.name!r} says when, but is {types[name]}."
            remedy = f"Make it a datetime, for example: columns={{{name!r}: col({name!r}).parse_datetime('%d/%m/%Y %H:%M')}}; or"
            remedy += f" pin it, so that rows whose text is none are set aside: types={{{name!r}: 'datetime'}}."
            raise ColumnProblem(problem, remedy=remedy, location=table.location)
    return {name: DType.DATETIME for name in times if name in empty}


def known_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that say when rows or columns became known, each once; `ingested` for the ingestion moment."""
    by_column = table.known.values() if table.known is not None and not isinstance(table.known, str) else ()
    return tuple(dict.fromkeys(name for name in (table.row_known, *by_column) if name))


def _uses(table: Table) -> dict[str, tuple[str, ...]]:
    deleted = deletion_of(table)
    uses = {
        "time=": (table.time,) if table.time else (),
        "known=": tuple(name for name in known_columns(table) if name != INGESTED),
        "id=": table.id,
        "key=": table.key if isinstance(table, Entity) else (),
        "deleted=": tuple(sorted(deleted.columns())) if deleted is not None else (),
        "personal=": tuple(table.personal),
        "types=": tuple(table.types),
    }
    if table.known is not None and not isinstance(table.known, str):
        uses["known="] += tuple(name for name in table.known if name != "*")
    return uses | {f"the rule {rule.title}": tuple(sorted(rule.columns)) for rule in table.expect}
