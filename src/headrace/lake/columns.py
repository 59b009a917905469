"""How column types are kept in Delta, which has no durations: those are whole microseconds, marked in the field's metadata."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pyarrow as pa

from headrace.lake.errors import SchemaConflict

_MARK = "headrace.type"
_DURATION = pl.Duration("us")
_KEPT = (pl.Boolean(), pl.Int64(), pl.Float64(), pl.String(), pl.Datetime("us", "UTC"), _DURATION)


def check_types(table: str, schema: Mapping[str, pl.DataType]) -> None:
    """Check that each column has one of the six types of the lake.

    Raises:
        SchemaConflict: naming those that do not.
    """
    wrong = [f"column {name!r} is {dtype}" for name, dtype in schema.items() if dtype not in _KEPT]
    if wrong:
        raise SchemaConflict(table, wrong, f"Cast them to one of {', '.join(str(dtype) for dtype in _KEPT)}.")


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


def to_delta(frame: pl.DataFrame) -> Any:
    """Return the frame as Arrow that Delta accepts, in one batch: of several, Delta's writer mixes the order."""
    durations = [name for name, dtype in frame.schema.items() if dtype == _DURATION]
    reader = pa.RecordBatchReader.from_stream(frame.with_columns(pl.col(durations).cast(pl.Int64)).rechunk())
    fields = [field.with_metadata({_MARK: "duration"}) if field.name in durations else field for field in reader.schema]
    schema = pa.schema(fields)
    return pa.RecordBatchReader.from_batches(schema, [pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in reader])


def from_delta(frame: pl.LazyFrame, fields: list[Any]) -> pl.LazyFrame:
    """Return the frame with its durations restored; `fields` are those of the Delta table's schema."""
    durations = [field.name for field in fields if field.metadata.get(_MARK) == "duration"]
    return frame.with_columns(pl.col(durations).cast(_DURATION)) if durations else frame
