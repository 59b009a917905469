"""One look into a table, with its types worked out.

**Knowledge time of a lookup's value**: the latest of the known columns of all that it depends on: the key columns, the columns of the
value or aggregate, those of `where`. A column with its own entry in `known=` goes by that entry, any other by the row's. A value that
names no column (`count()`) is the row itself and goes by the row's. Where one of them is null the value never becomes known. An Entity
without a time has no knowledge time: its rows are visible always. The `time` that breaks ties and measures `max_age` comes with the row.

**Deletes** are rows like any other. Of a table with `deleted=` a plan says that `latest` takes null from such a row (in the value) and that
`window` leaves it out (in `where`): whoever executes a plan knows nothing of deletes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headrace.core.locations import Location
from headrace.expressions import DType, Expr, Udf, aggregate_from_json, from_json, infer, infer_aggregate
from headrace.expressions.errors import ExpressionError
from headrace.features.errors import InvalidFeature, KeyMismatch
from headrace.spec.errors import UnknownName
from headrace.spec.features import Latest, Lookup, Window
from headrace.spec.tables import INGESTED, Table, deletion_of

Functions = Mapping[str, Callable[..., Any]]
ARRIVAL_COLUMN, INGESTED_COLUMN = "_arrival", "_ingested"


class PlannedLookup(msgspec.Struct, frozen=True, kw_only=True):
    """One look into a table.

    Attributes:
        slot: the column that holds its value.
        label: the lookup as people read it.
        kind: `latest` or `window`.
        keys: each spine column paired with the table's.
        columns: the types of the table's columns that are read, known, time and keys among them, `_arrival` not.
        known: the columns whose latest is the knowledge time; empty: always known.
        time: the column that breaks ties and measures `max_age_us`.
        value: the expression of `latest`, as JSON; null for a delete.
        aggregate, over_us, hop_us, where: those of `window`; durations in microseconds.
        dtype: the type of the value.
    """

    slot: str
    label: str
    kind: str
    table: str
    keys: tuple[tuple[str, str], ...]
    columns: dict[str, DType]
    known: tuple[str, ...]
    time: str | None
    dtype: DType
    value: dict[str, Any] | None = None
    max_age_us: int | None = None
    aggregate: dict[str, Any] | None = None
    over_us: int | None = None
    hop_us: int | None = None
    where: dict[str, Any] | None = None

    @property
    def aggregate_kind(self) -> str:
        """The aggregate of a window; `last` for latest, whose null values count."""
        return "last" if self.aggregate is None else str(self.aggregate["kind"])

    @property
    def probability(self) -> float | None:
        """The probability of a quantile."""
        return None if self.aggregate is None else aggregate_from_json(self.aggregate).parameter

    def argument(self, functions: Functions) -> Expr | None:
        """The expression over the table's columns whose values are picked or aggregated; None where rows are counted."""
        argument = self.value if self.aggregate is None else self.aggregate["argument"]
        return None if argument is None else revive(argument, functions)

    def condition(self, functions: Functions) -> Expr | None:
        """The expression that a row must meet."""
        return None if self.where is None else revive(self.where, functions)


def revive(obj: dict[str, Any], functions: Functions) -> Expr:
    """Return an expression from JSON with the Python functions that it names, as far as they are at hand."""
    expression = from_json(obj)
    if not functions:
        return expression

    def bind(node: Expr) -> Expr | None:
        if not isinstance(node, Udf) or node.name not in functions:
            return None
        return Udf(functions[node.name], node.name, node.returns, node.arguments)

    return expression.substitute(bind)


def plan_lookup(
    slot: str, lookup: Lookup, given: Mapping[str, DType], types: Mapping[str, DType], location: Location | None
) -> PlannedLookup:
    """Return a lookup with its types worked out; `given` are the spine's types, `types` the table's.

    Raises:
        UnknownName: for a key, time or known column that the table lacks.
        KeyMismatch: for keys of different types.
        InvalidFeature: for expressions that do not fit.
    """
    label, table = lookup.label(), lookup.table
    schema = {**types, INGESTED_COLUMN: DType.DATETIME}
    for left, right in lookup.keys:
        _require(right, schema, "key column", lookup, location)
        if given[left] != schema[right]:
            raise KeyMismatch(label, (left, given[left]), (right, schema[right]), location=location)
    known = _known_columns(lookup)
    for moment in (*known, *((table.time,) if table.time else ())):
        _require(moment, schema, "column", lookup, location)
        if schema[moment] != DType.DATETIME:
            problem = f"{moment!r} of table {table.name!r} must be a datetime, since time= or known= names it; it is {schema[moment]}."
            raise InvalidFeature(problem, remedy="Parse it in columns=, or name another column.", location=table.location)
    _check_deleted(table, schema)
    dtype = _lookup_type(lookup, schema, location)
    definition = lookup.declaration()
    parts: dict[str, Any] = {name: part for name, part in definition.items() if name not in ("kind", "table", "keys")}
    read = sorted({*lookup.table_columns(), *known, *((table.time,) if table.time else ())})
    return PlannedLookup(
        slot=slot, label=label, kind=definition["kind"], table=table.name, keys=lookup.keys, columns={name: schema[name] for name in read},
        known=known, time=table.time, dtype=dtype, **parts,
    )  # fmt: skip


def typed(expression: Expr, schema: Mapping[str, DType], user: str, location: Location | None) -> DType:
    """Return an expression's type, which must be one; an error says what used the expression."""
    try:
        kind = infer(expression, schema)
    except ExpressionError as error:
        raise InvalidFeature(f"{user}: {error.problem}", remedy=error.remedy, location=error.location or location) from error
    if kind == DType.NULL:
        raise InvalidFeature(f"{user}: {expression} is always null.", remedy="Cast it, such as lit(None).cast('float').", location=location)
    return kind


def _known_columns(lookup: Lookup) -> tuple[str, ...]:
    """The columns whose latest is the knowledge time of the lookup's value, in the order of their names."""
    table = lookup.table
    value = lookup.value if isinstance(lookup, Latest) else lookup.aggregate if isinstance(lookup, Window) else None
    of_row = value is None or not value.columns()
    moments = {table.column_known(column) for column in lookup.table_columns()} | ({table.row_known} if of_row else set())
    return tuple(sorted(_physical(moment) for moment in moments if moment is not None))


def _physical(moment: str) -> str:
    return INGESTED_COLUMN if moment == INGESTED else moment


def _lookup_type(lookup: Lookup, schema: Mapping[str, DType], location: Location | None) -> DType:
    label = lookup.label()
    if isinstance(lookup, Latest):
        return typed(lookup.value, schema, label, location)
    assert isinstance(lookup, Window)
    if lookup.where is not None and (kind := typed(lookup.where, schema, label, location)) != DType.BOOL:
        raise InvalidFeature(
            f"{label}: where= must be a boolean; it is {kind}.", remedy="Write a condition, such as col('x') > 0.", location=location
        )
    if lookup.aggregate.argument is not None:
        typed(lookup.aggregate.argument, schema, label, location)
    try:
        return infer_aggregate(lookup.aggregate, schema)
    except ExpressionError as error:
        raise InvalidFeature(f"{label}: {error.problem}", remedy=error.remedy, location=error.location or location) from error


def _check_deleted(table: Table, schema: Mapping[str, DType]) -> None:
    deleted = deletion_of(table)
    if deleted is None:
        return
    user = f"deleted= of table {table.name!r}"
    if (kind := typed(deleted, schema, user, table.location)) != DType.BOOL:
        remedy = "Write a condition, such as col('op') == 'd'."
        raise InvalidFeature(f"{user} must be a boolean; {deleted} is {kind}.", remedy=remedy, location=table.location)


def _require(column: str, schema: Mapping[str, DType], kind: str, lookup: Lookup, location: Location | None) -> None:
    if column not in schema:
        raise UnknownName(kind, column, schema, where=f"table {lookup.table.name!r} of {lookup.label()}: ", location=location)
