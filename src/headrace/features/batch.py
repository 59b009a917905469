"""Batch execution: whole columns at once.

A lookup gives one value for each row of the spine, in the spine's order; a row is never dropped or repeated. A null key matches nothing,
nor does NaN. A null `as_of` asks at no time, and every value that depends on time is null then, counts too. An `as_of` given here stands
for the plan's own, for every row: that replays a question asked at one moment.

The table is sorted once by key and knowledge time; two binary searches give each question its slice of rows, and `slices` aggregates them.
"""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.expressions import DType
from headrace.expressions.polars_backend import to_polars
from headrace.features.edges import Edges, left_edge
from headrace.features.errors import MissingTable
from headrace.features.lookups import PlannedLookup
from headrace.features.plan import FeaturePlan
from headrace.features.prepared import GROUP, KNOWN, TIME, VALUE, full_length, in_order, key_columns, key_groups, key_names, visible_rows
from headrace.features.slices import aggregate_slices

AS_OF = "_as_of"
_ROWS_AT_ONCE = 1 << 22
POLARS = {
    DType.BOOL: pl.Boolean(), DType.INT: pl.Int64(), DType.FLOAT: pl.Float64(), DType.STRING: pl.String(),
    DType.DATETIME: pl.Datetime("us", "UTC"), DType.DURATION: pl.Duration("us"), DType.NULL: pl.Null(),
}  # fmt: skip


def lookup_column(plan: FeaturePlan, slot: str, spine: pl.LazyFrame, table: pl.LazyFrame, as_of: datetime | None = None) -> pl.DataFrame:
    """Return one column, named by the slot: the lookup's value for each row of the spine, in the spine's order.

    `spine` has the given columns; `table` those that the lookup reads and `_arrival`.
    """
    lookup = plan.lookup(slot)
    rows = visible_rows(lookup, table, plan.functions).collect()
    return answer(lookup, rows, questions_of(plan, lookup, spine, as_of).collect()).alias(slot).to_frame()


def questions_of(plan: FeaturePlan, lookup: PlannedLookup, spine: pl.LazyFrame, as_of: datetime | None = None) -> pl.LazyFrame:
    """Return what a lookup is asked: the keys and `_as_of` (Int64, microseconds since 1970) of each row of the spine."""
    return spine.select(*key_columns(lookup, spine=True), _asked(plan, lookup, as_of).alias(AS_OF))


def answer(lookup: PlannedLookup, rows: pl.DataFrame, questions: pl.DataFrame) -> pl.Series:
    """Return the value for each question; `rows` are those that `visible_rows` gives, or at least the ones with a question's key."""
    keys = key_names(lookup)
    groups = key_groups(rows, keys)
    rows = in_order(rows, groups, keys)
    edges = Edges(rows[GROUP].to_numpy(), rows[KNOWN].to_numpy())
    questions = questions.join(groups, on=keys, how="left", maintain_order="left").select(pl.col(GROUP).fill_null(-1), AS_OF)
    starts = range(0, max(len(questions), 1), _ROWS_AT_ONCE)
    answers = [_answer(lookup, rows, edges, questions[start : start + _ROWS_AT_ONCE]) for start in starts]
    return pl.concat(answers).cast(POLARS[lookup.dtype])


def assemble(plan: FeaturePlan, spine: pl.LazyFrame, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Return the features of each row of the spine, in the spine's order; `columns` are the lookups' values by slot."""
    return assemble_frame(plan, (spine.select(list(plan.given)) if plan.given else spine).collect(), columns)


def assemble_frame(plan: FeaturePlan, given: pl.DataFrame, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Return the features of rows of the spine, of which `given` has the given columns and `columns` the lookups' values by slot."""
    frame = given.with_columns(columns[lookup.slot].alias(lookup.slot) for lookup in plan.lookups)
    types = plan.row_types
    values = [full_length(value, types).cast(POLARS[plan.types[name]]).alias(name) for name, value in plan.expressions().items()]
    return frame.with_columns(values).select(list(plan.values))


def compute(plan: FeaturePlan, spine: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], as_of: datetime | None = None) -> pl.DataFrame:
    """Return the features of each row of the spine; `tables` by name.

    Raises:
        MissingTable: if a table that the plan looks into is not among them.
    """
    columns = {}
    for lookup in plan.lookups:
        columns[lookup.slot] = lookup_column(plan, lookup.slot, spine, find_table(lookup, tables), as_of)[lookup.slot]
    return assemble(plan, spine, columns)


def find_table(lookup: PlannedLookup, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Return the table that a lookup looks into."""
    if lookup.table not in tables:
        raise MissingTable(lookup.label, lookup.table, tables)
    return tables[lookup.table]


def _asked(plan: FeaturePlan, lookup: PlannedLookup, as_of: datetime | None) -> pl.Expr:
    """The moment of each question in microseconds; rows without a knowledge time (all at 0) are seen at 1."""
    expression = plan.as_of_expression()
    if not lookup.known or expression is None:
        return pl.lit(1, pl.Int64)
    if as_of is not None:
        return pl.lit(as_of, pl.Datetime("us", "UTC")).to_physical()
    return to_polars(expression, plan.given).to_physical()


def _answer(lookup: PlannedLookup, rows: pl.DataFrame, edges: Edges, questions: pl.DataFrame) -> pl.Series:
    group, unasked = questions[GROUP].to_numpy(), questions[AS_OF].is_null()
    as_of = questions[AS_OF].fill_null(0).to_numpy()
    high = edges.first_at_or_after(group, as_of)
    start = np.full(len(as_of), np.iinfo(np.int64).min) if lookup.over_us is None else left_edge(as_of, lookup.over_us, lookup.hop_us)
    low = edges.first_at_or_after(group, start)
    if lookup.max_age_us is not None:
        low = np.where(_too_old(rows[TIME], as_of, high, lookup.max_age_us), high, low)
    values = rows[VALUE] if VALUE in rows.columns else None
    return aggregate_slices(lookup.aggregate_kind, lookup.probability, values, low, high).set(unasked, None)


def _too_old(time: pl.Series, as_of: NDArray[np.int64], high: NDArray[np.int64], max_age_us: int) -> NDArray[np.bool_]:
    """Whether the newest row happened too long before the question; so counts one of which nobody knows when it happened."""
    if not len(time):
        return np.zeros(len(as_of), np.bool_)
    newest = np.maximum(high - 1, 0)
    moments, unknown = time.fill_null(0).to_numpy(), time.is_null().to_numpy()
    return np.asarray(unknown[newest] | (as_of - moments[newest] > max_age_us))
