"""Why a value has not the type that it should have, in words."""

from dataclasses import replace

import polars as pl

from headrace.expressions import DType
from headrace.ingest.column_types import convert, dtype_of
from headrace.ingest.dialect import Dialect

_ARTICLE = {
    DType.BOOL: "a boolean", DType.INT: "a whole number", DType.FLOAT: "a number", DType.STRING: "a text", DType.DATETIME: "a datetime",
    DType.DURATION: "a duration",
}  # fmt: skip


def why_refused(values: pl.Series, kind: DType, dialect: Dialect) -> pl.Series:
    """Return for each value, none of which has the type, what to say of it, to stand after `column x is 'value', `.

    Null for a time that the zone's clocks skip or show twice, where the dialect says that such a time is null: it is no failure.
    """
    unlike = f"not {_ARTICLE[kind]}"
    readable = kind is DType.DATETIME and dtype_of(values.name, values.dtype) in (DType.STRING, DType.DATETIME)
    if not readable or (dialect.timezone or "UTC") == "UTC":
        return pl.Series([unlike], dtype=pl.String).new_from_index(0, len(values))
    here = f"clocks in {dialect.timezone}"
    twice = _unless_null(dialect.ambiguous, f"a time that {here} show twice: say which with ambiguous='earliest' or 'latest'")
    skipped = _unless_null(dialect.nonexistent, f"a time that {here} skip: it never was")
    a_time = convert(values, kind, replace(dialect, timezone="UTC")).is_not_null()
    repeated = convert(values, kind, replace(dialect, ambiguous="earliest")).is_not_null()
    return pl.select(pl.when(repeated).then(twice).when(a_time).then(skipped).otherwise(pl.lit(unlike))).to_series()


def _unless_null(choice: str, reason: str) -> pl.Expr:
    return pl.lit(None if choice == "null" else reason, pl.String)
