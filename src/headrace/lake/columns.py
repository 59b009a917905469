"""How column types are kept in Delta, which has no durations: those are whole microseconds, marked in the field's metadata."""

from collections.abc import Mapping, Sequence

import polars as pl
from deltalake import Field, Schema
from deltalake.schema import PrimitiveType

from headrace.lake.errors import SchemaConflict

_MARK = "headrace.type"
_DURATION = pl.Duration("us")
_IN_DELTA: dict[pl.DataType, str] = {
    pl.Boolean(): "boolean", pl.Int64(): "long", pl.Float64(): "double", pl.String(): "string", pl.Datetime("us", "UTC"): "timestamp",
    _DURATION: "long",
}  # fmt: skip
_FROM_DELTA = {kind: dtype for dtype, kind in _IN_DELTA.items() if dtype != _DURATION}


def check_types(table: str, schema: Mapping[str, pl.DataType]) -> None:
    """Check that each column has one of the six types of the lake.

    Raises:
        SchemaConflict: naming those that do not.
    """
    wrong = [f"column {name!r} is {dtype}" for name, dtype in schema.items() if dtype not in _IN_DELTA]
    if wrong:
        raise SchemaConflict(table, wrong, f"Cast them to one of {', '.join(str(dtype) for dtype in _IN_DELTA)}.")


def check_same(table: str, schema: Mapping[str, pl.DataType], kept: Mapping[str, pl.DataType]) -> None:
    """Check that rows to be appended have the table's own columns, in any order.

    Raises:
        SchemaConflict: naming each difference.
    """
    wrong = [f"column {name!r} is missing" for name in kept if name not in schema]
    wrong += [f"column {name!r} is not one of the table's" for name in schema if name not in kept]
    wrong += [
        f"column {name!r} is {schema[name]}, the table's is {kept[name]}" for name in kept if name in schema and schema[name] != kept[name]
    ]
    if wrong:
        raise SchemaConflict(table, wrong, f"Append rows with the columns {', '.join(kept)}, or overwrite the table.")


def as_kept(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame as its files hold it."""
    durations = [name for name, dtype in frame.schema.items() if dtype == _DURATION]
    return frame.with_columns(pl.col(durations).cast(pl.Int64)) if durations else frame


def delta_schema(schema: Mapping[str, pl.DataType]) -> Schema:
    """Return the schema that Delta is told."""
    fields = [
        Field(name, PrimitiveType(_IN_DELTA[dtype]), nullable=True, metadata={_MARK: "duration"} if dtype == _DURATION else {})
        for name, dtype in schema.items()
    ]
    return Schema(fields)


def kept_schema(fields: Sequence[Field]) -> pl.Schema | None:
    """Return the types of the columns as files hold them; None if another writer made some that the lake does not."""
    kinds = {field.name: getattr(field.type, "type", None) for field in fields}
    known = {name: _FROM_DELTA[kind] for name, kind in kinds.items() if kind in _FROM_DELTA}
    return pl.Schema(known) if len(known) == len(kinds) else None


def from_delta(frame: pl.LazyFrame, fields: Sequence[Field]) -> pl.LazyFrame:
    """Return the frame with its durations restored; `fields` are those of the Delta table's schema."""
    durations = [field.name for field in fields if field.metadata.get(_MARK) == "duration"]
    return frame.with_columns(pl.col(durations).cast(_DURATION)) if durations else frame
