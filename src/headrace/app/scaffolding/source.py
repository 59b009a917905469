"""Reading a file nobody has described: its encoding, its separator, and how it writes nulls, numbers and dates."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from msgspec.structs import replace

from headrace.app.scaffolding.misfits import Misfits, find_misfits, set_aside
from headrace.expressions import DType
from headrace.ingest.column_types import convert
from headrace.ingest.delimited import find_separator
from headrace.ingest.dialect import PLAIN, Dialect, dialect_of
from headrace.ingest.encodings import guess_encoding
from headrace.ingest.hints import Hint, TextSurvey
from headrace.ingest.inference import infer
from headrace.ingest.raw import RawTable
from headrace.ingest.sampling import look_at
from headrace.ingest.sources import open_source
from headrace.ingest.unpack import unpacked
from headrace.spec.sources import File

_SAMPLE_BYTES = 4 << 20
_NUMBERS = (DType.INT, DType.FLOAT)


class Read(NamedTuple):
    """A source as it must be declared to be read well, and its rows, or every n-th of them where all would be too many.

    `rows` are without those that are set aside for the texts of `misfits`, `looked_at` counts them in.
    """

    source: File
    rows: pl.DataFrame
    every: int
    misfits: tuple[Misfits, ...]
    looked_at: int


def read_file(file: Path) -> Read:
    """Read a file nobody has described. What may be meant in two ways is left as it is."""
    path = file.resolve()
    source = File(str(path))
    if source.format != "csv" or not path.is_file():
        raw = open_source(source, path.parent)
        columns, every = look_at(raw)
        return _read(source, columns, raw, PLAIN, every)
    source = replace(source, encoding=_encoding(source, path))
    source = replace(source, separator=find_separator(source, path) or source.separator)
    raw = open_source(source, path.parent)
    columns, every = look_at(raw)
    types = {column.name: _type(column, raw, PLAIN) for column in columns}
    survey = TextSurvey([name for name, kind in types.items() if kind is DType.STRING], (), PLAIN)
    survey.see(pl.DataFrame(columns), 0)
    source = _with_options(source, survey.hints(), has_points=DType.FLOAT in types.values())
    dialect = dialect_of(source)
    return _read(source, [_without(column, source.null_values) for column in columns], raw, dialect, every)


def _read(source: File, columns: Sequence[pl.Series], raw: RawTable, dialect: Dialect, every: int) -> Read:
    types = {column.name: _type(column, raw, dialect) for column in columns}
    texts = [each for each in columns if each.dtype == pl.String and (types[each.name] is DType.STRING or each.name in dialect.formats)]
    misfits = find_misfits(texts, raw.textual, dialect)
    types |= {each.column: each.kind for each in misfits}
    rows = pl.DataFrame([convert(column, types[column.name], dialect) for column in columns])
    looked_at = rows.height
    if misfits:
        rows = rows.filter(~set_aside(misfits))
    return Read(source, rows, every, tuple(misfits), looked_at)


def _type(column: pl.Series, raw: RawTable, dialect: Dialect) -> DType:
    return infer(column, raw.textual, dialect) or DType.STRING


def _encoding(source: File, path: Path) -> str:
    with unpacked(source, path) as stream:
        likely = guess_encoding(stream.read(_SAMPLE_BYTES))
    return likely if likely not in (None, "utf-8-sig", "utf-8") else source.encoding


def _with_options(source: File, hints: Iterable[Hint], has_points: bool) -> File:
    """Return the source with what the hints say. Where another column has decimal points, commas are no decimal marks of the file."""
    found: dict[str, Any] = {"null_values": (), "dates": {}}
    for hint in hints:
        options = dict(hint.options)
        found["null_values"] += tuple(text for text in options.pop("null_values", ()) if text not in found["null_values"])
        found["dates"] |= options.pop("dates", {})
        if not (has_points and options.get("decimal") == ","):
            found = {**options, **found}
    return replace(source, **found)


def _without(column: pl.Series, null_values: tuple[str, ...]) -> pl.Series:
    if not null_values or column.dtype != pl.String:
        return column
    return column.to_frame("text").select(pl.when(~pl.col("text").is_in(null_values)).then("text").alias(column.name)).to_series()
