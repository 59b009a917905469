"""Reading a file nobody has described: its separator, and the texts that mean null in it."""

from pathlib import Path

import polars as pl

from headrace.ingest.sources import read_source
from headrace.ingest.unpack import opened
from headrace.spec.sources import File

_SEPARATORS = (",", ";", "\t", "|")
_NULL_TEXTS = ("NA", "N/A", "n/a", "NULL", "null", "None", "NaN", "nan", "?", "-", ".")


def read_whole(file: Path) -> tuple[File, pl.DataFrame]:
    """Return the source as it must be declared to be read well, and its rows."""
    path = file.resolve()
    source = File(str(path))
    if source.format != "csv":
        return source, read_source(source, path.parent).collect()
    if path.is_file():
        source = File(str(path), separator=_separator(source, path))
    frame = read_source(source, path.parent).collect()
    nulls = tuple(text for text in _NULL_TEXTS if any(_means_null(frame[name], text) for name in frame.columns))
    if not nulls:
        return source, frame
    source = File(str(path), separator=source.separator, null_values=nulls)
    return source, read_source(source, path.parent).collect()


def _separator(source: File, path: Path) -> str:
    with opened(source, path) as stream:
        header = stream.readline().decode("utf-8", errors="replace")
    counts = {separator: header.count(separator) for separator in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda separator: counts[separator])
    return best if counts[best] else source.separator


def _means_null(column: pl.Series, text: str) -> bool:
    """A text is taken for null where everything else in its column is a number: `NA` among names may be Namibia."""
    if column.dtype != pl.String or not (column == text).any():
        return False
    rest = column.filter(~column.is_in(_NULL_TEXTS)).drop_nulls()
    return not rest.is_empty() and rest.cast(pl.Float64, strict=False).null_count() == 0
