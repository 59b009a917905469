"""CSV: read strictly. Every row has as many fields as the header, and every field is a text until its column's type is known."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.unpack import opened, undecodable
from headrace.spec.sources import File

_BLOCK_BYTES = 8 << 20
_ROW_TEXT = re.compile(r"(got \d+):.*", re.DOTALL)


def read_texts(source: File, path: Path) -> tuple[tuple[str, ...], Iterator[pl.Series]]:
    """Return the header, and the columns as texts, one after the other: each is let go of before the next is made.

    An empty field is null, and so are the source's `null_values`. A line with nothing on it is no row.

    Raises:
        SourceUnreadable: for a file that is empty, not UTF-8, or has a row with too few or too many fields, which it names.
    """
    names = _header(source, path)
    if not names:
        remedy = "A CSV has at least a header line with the names of its columns."
        raise SourceUnreadable(f"{path} is empty.", remedy=remedy, location=source.location)
    table = _read(source, path, names, threads=True)
    return names, _columns(table)


def _header(source: File, path: Path) -> tuple[str, ...]:
    try:
        with opened(source, path) as stream, io.TextIOWrapper(stream, "utf-8", newline="") as text:
            return next((tuple(row) for row in csv.reader(text, delimiter=source.separator) if row), ())
    except (UnicodeDecodeError, csv.Error) as error:
        raise _problem(source, path, str(error)) from error


def _columns(table: Any) -> Iterator[pl.Series]:
    while table.num_columns:
        name, column = table.column_names[0], table.column(0)
        table = table.remove_column(0)
        yield pl.Series(name, pl.from_arrow(column), pl.String)


def _read(source: File, path: Path, names: tuple[str, ...], threads: bool) -> Any:
    nulls = ["", *source.null_values]
    types = dict.fromkeys(names, pa.string())
    reading = arrow_csv.ReadOptions(use_threads=threads, block_size=_BLOCK_BYTES)
    layout = arrow_csv.ParseOptions(delimiter=source.separator, newlines_in_values=True)
    conversion = arrow_csv.ConvertOptions(column_types=types, null_values=nulls, strings_can_be_null=True, quoted_strings_can_be_null=True)
    try:
        with opened(source, path) as stream:
            return arrow_csv.read_csv(stream, reading, layout, conversion)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        if "Empty CSV" in str(error):  # what the reader says of a header without a line break
            return pa.table({name: pa.array([], pa.string()) for name in names})
        if threads and "CSV parse error" in str(error):
            return _read(source, path, names, threads=False)  # with one thread the reader can say which row it was
        raise _problem(source, path, str(error)) from error


def _problem(source: File, path: Path, reason: str) -> SourceUnreadable:
    if "utf8" in reason.lower() or "codec can't decode" in reason:
        return undecodable(source, path)
    remedy = f"Every row has the header's fields, separated by {source.separator!r}; a text with a separator or line break is quoted."
    # The reader goes on with the row itself, which may hold personal values and would end up in logs and in the ledger.
    told = _ROW_TEXT.sub(r"\1", reason.removeprefix("CSV parse error: "))
    problem = f"{path} is not a proper CSV: {told}."
    return SourceUnreadable(problem, remedy=remedy, location=source.location)
