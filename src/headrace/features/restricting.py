"""Plans that ask otherwise than declared: as of moments that come with the questions, or seeing less of the tables."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
import polars as pl

from headrace.expressions import DType, Expr, col, from_json, lit
from headrace.features.plan import FeaturePlan

ASKED = "_asked"


def asked_with_moments(plan: FeaturePlan) -> FeaturePlan:
    """Return the plan for questions that say in one more given column, `_asked`, as of when they are asked."""
    if plan.as_of is None:
        return plan
    return msgspec.structs.replace(plan, given={**plan.given, ASKED: DType.DATETIME}, as_of=col(ASKED).to_json())


def known_before(plan: FeaturePlan, moments: Mapping[str, datetime]) -> FeaturePlan:
    """Return the plan that sees nothing of what became known in these tables at their moments or later, whenever it is asked."""
    lookups = []
    for lookup in plan.lookups:
        condition: Expr | None = None if lookup.where is None else from_json(lookup.where)
        for name in lookup.known if lookup.table in moments else ():
            seen = col(name) < lit(moments[lookup.table])
            condition = seen if condition is None else condition & seen
        lookups.append(msgspec.structs.replace(lookup, where=None if condition is None else condition.to_json()))
    return msgspec.structs.replace(plan, lookups=tuple(lookups))


def asked_about(plan: FeaturePlan, table: str, rows: pl.LazyFrame, spine: pl.DataFrame) -> pl.LazyFrame:
    """Return the rows of a table that some lookup could find for these rows of the spine, in their order."""
    keys = {lookup.keys: lookup for lookup in plan.lookups if lookup.table == table}
    if any(lookup.columns[right] == DType.FLOAT for lookup in keys.values() for _, right in lookup.keys):
        return rows  # equality of floats is the lookups' own
    found = []
    for pairs in keys:
        wanted = spine.select(pl.col(left).alias(right) for left, right in pairs).drop_nulls().unique()
        matches = pl.struct(right for _, right in pairs).is_in(wanted.select(pl.struct(pl.all())).to_series().implode())
        found.append(matches)
    return rows.filter(pl.any_horizontal(found)) if found else rows
