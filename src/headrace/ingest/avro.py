"""Avro: records as their schema says, a block at a time."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from headrace.expressions import DType
from headrace.ingest.errors import FormatNeedsExtra, SourceUnreadable
from headrace.ingest.python_rows import frame_of
from headrace.ingest.raw import RawTable
from headrace.ingest.unpack import opened
from headrace.spec.sources import File

_CHUNK_ROWS = 20_000


def open_avro(source: File, path: Path) -> RawTable:
    """Return the records of an Avro file. Decimals become floats, UUIDs texts, records within records, arrays and maps JSON.

    Raises:
        FormatNeedsExtra: if the library is not installed.
        SourceUnreadable: for a file that is not Avro, ends early, or whose records are no records.
    """
    names = _names(source, path)
    return RawTable(names, frozenset({DType.DATETIME}), lambda: _chunks(source, path, names))


def _names(source: File, path: Path) -> tuple[str, ...]:
    schema = next(_read(source, path, only_schema=True))
    if not isinstance(schema, dict) or schema.get("type") != "record":
        remedy = "A table is made of records: see the schema of the file."
        raise SourceUnreadable(f"{path} holds no records.", remedy=remedy, location=source.location)
    return tuple(field["name"] for field in schema["fields"])


def _chunks(source: File, path: Path, names: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    records = _read(source, path, only_schema=False)
    empty = True
    while some := list(islice(records, _CHUNK_ROWS)):
        yield frame_of(names, [[record[name] for name in names] for record in some])[0]
        empty = False
    if empty:
        yield frame_of(names, ())[0]


def _read(source: File, path: Path, *, only_schema: bool) -> Iterator[Any]:
    try:
        from fastavro import reader  # an extra
    except ModuleNotFoundError as error:
        raise FormatNeedsExtra(str(path), "avro", source.location) from error
    with opened(source, path) as stream:
        try:
            records = reader(stream)
            if only_schema:
                yield records.writer_schema
            else:
                yield from records
        except (ValueError, EOFError, KeyError, IndexError, TypeError, OSError) as error:
            # What the library raises for bytes that are no Avro, a file that ends early and a codec that is not installed.
            problem = f"{path} cannot be read as avro: {str(error) or type(error).__name__}."
            remedy = f"Check the file, or say what it is with format= (now {source.format!r})."
            raise SourceUnreadable(problem, remedy=remedy, location=source.location) from error
