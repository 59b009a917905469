"""Batch execution: whole columns at once.

A lookup gives one value for each row of the spine, in the spine's order; a row is never dropped or repeated. A null key matches nothing,
nor does NaN. A null `as_of` asks at no time, and every value that depends on time is null then, counts too. An `as_of` given here stands
for the plan's own, for every row: that replays a question asked at one moment.

What lookups have in common is worked out once, and they are answered side by side: NumPy and Polars leave Python free meanwhile.
"""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest

import polars as pl

from headrace.expressions.polars_backend import to_polars
from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.answering import AS_OF, Prepared
from headrace.features.errors import MissingTable
from headrace.features.lookups import PlannedLookup
from headrace.features.once import Once
from headrace.features.plan import FeaturePlan
from headrace.features.prepared import full_lengths, key_columns, row_columns
from headrace.features.side_by_side import side_by_side


def lookup_column(plan: FeaturePlan, slot: str, spine: pl.LazyFrame, table: pl.LazyFrame, as_of: datetime | None = None) -> pl.DataFrame:
    """Return one column, named by the slot: the lookup's value for each row of the spine, in the spine's order.

    `spine` has the given columns; `table` those that the lookup reads and `_arrival`.
    """
    lookup = plan.lookup(slot)
    return lookup_columns(plan, [lookup], spine, {lookup.table: table}, as_of)[slot].to_frame()


def lookup_columns(
    plan: FeaturePlan, lookups: Sequence[PlannedLookup], spine: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], as_of: datetime | None
) -> dict[str, pl.Series]:
    """Return the values of several lookups by slot, each in the spine's order; `tables` by name."""
    wanted = [({lookup.slot: question_columns(plan, lookup, as_of) for lookup in lookups}, spine)]
    for name in dict.fromkeys(lookup.table for lookup in lookups):
        wanted.append(({each.slot: row_columns(each, plan.functions) for each in lookups if each.table == name}, tables[name]))
    asked, *by_table = side_by_side(lambda each: apart(*each), wanted)
    rows, shared = {slot: frame for each in by_table for slot, frame in each.items()}, Once()

    # All tables first: keys that were numbered in one are not read anew to be looked for in another.
    prepared = in_turns(side_by_side(lambda lookup: Prepared(lookup, rows[lookup.slot], shared), lookups))
    answers = side_by_side(lambda ready: ready.answer(asked[ready.slot], shared), prepared)
    found = {ready.slot: values.alias(ready.slot) for ready, values in zip(prepared, answers, strict=True)}
    return {lookup.slot: found[lookup.slot] for lookup in lookups}


def in_turns(prepared: Sequence[Prepared]) -> list[Prepared]:
    """Return the first of all that go by the same slices, then the second, and so on: next to each other one would wait for the other."""
    same: dict[Hashable, list[Prepared]] = {}
    for ready in prepared:
        same.setdefault(ready.span, []).append(ready)
    return [ready for each in zip_longest(*same.values()) for ready in each if ready is not None]


def apart(columns: Mapping[str, list[pl.Expr]], frame: pl.LazyFrame) -> dict[str, pl.DataFrame]:
    """Return a frame of columns for each slot, computed all together: Polars sees which are the same."""
    named = [column.name.prefix(f"{slot}.") for slot, each in columns.items() for column in each]
    found = frame.select(named).collect()
    parts: dict[str, list[pl.Series]] = {slot: [] for slot in columns}
    for column in found:
        slot, name = column.name.split(".", 1)
        parts[slot].append(column.alias(name))
    return {slot: pl.DataFrame(each) for slot, each in parts.items()}


def questions_of(plan: FeaturePlan, lookup: PlannedLookup, spine: pl.LazyFrame, as_of: datetime | None = None) -> pl.LazyFrame:
    """Return what a lookup is asked: the keys and `_as_of` (Int64, microseconds since 1970) of each row of the spine."""
    return spine.select(question_columns(plan, lookup, as_of))


def question_columns(plan: FeaturePlan, lookup: PlannedLookup, as_of: datetime | None) -> list[pl.Expr]:
    """What a lookup needs of the spine: the columns of `questions_of`."""
    return [*key_columns(lookup, spine=True), _asked(plan, lookup, as_of).alias(AS_OF)]


def assemble(plan: FeaturePlan, spine: pl.LazyFrame, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Return the features of each row of the spine, in the spine's order; `columns` are the lookups' values by slot."""
    return assemble_frame(plan, given_columns(plan, spine).collect(), columns)


def given_columns(plan: FeaturePlan, spine: pl.LazyFrame) -> pl.LazyFrame:
    """Return of the spine what features are assembled from: no column that only lookups are asked about, but one to tell the rows."""
    return spine.select(plan.given_read() or list(plan.given)[:1]) if plan.given else spine


def assemble_frame(plan: FeaturePlan, given: pl.DataFrame, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Return the features of rows of the spine; `given` has `given_columns` at least, `columns` are the lookups' values by slot."""
    frame = given.with_columns(columns[lookup.slot].alias(lookup.slot) for lookup in plan.lookups)
    expressions = plan.expressions()
    values = zip(expressions, full_lengths(expressions.values(), plan.row_types), strict=True)
    return frame.lazy().select(value.cast(POLARS_TYPES[plan.types[name]]).alias(name) for name, value in values).collect()


def compute(plan: FeaturePlan, spine: pl.LazyFrame, tables: Mapping[str, pl.LazyFrame], as_of: datetime | None = None) -> pl.DataFrame:
    """Return the features of each row of the spine; `tables` by name.

    Raises:
        MissingTable: if a table that the plan looks into is not among them.
    """
    needed = {lookup.table: find_table(lookup, tables) for lookup in plan.lookups}
    return assemble(plan, spine, lookup_columns(plan, plan.lookups, spine, needed, as_of))


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
