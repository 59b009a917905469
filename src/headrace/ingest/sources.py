"""Reading sources: raw columns, whatever the format, one after the other."""

from collections import Counter
from pathlib import Path

import polars as pl

from headrace.core.fingerprints import fingerprint
from headrace.expressions import DType
from headrace.ingest.avro import open_avro
from headrace.ingest.column_types import convert
from headrace.ingest.columnar import read_columnar
from headrace.ingest.contents import require_file
from headrace.ingest.delimited import read_texts
from headrace.ingest.dialect import dialect_of
from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.excel import open_excel
from headrace.ingest.inference import infer
from headrace.ingest.json_lines import read_objects
from headrace.ingest.raw import RawTable
from headrace.ingest.reading import reading_of
from headrace.ingest.unpack import locate
from headrace.spec.asked import Asked
from headrace.spec.sources import File, Source
from headrace.spec.tables import Derived, Entity, Events, Table

RESERVED = ("_arrival", "_ingested", "_reason", "_row")
_FROM_CSV = frozenset({DType.BOOL, DType.INT, DType.FLOAT, DType.DATETIME})
_FROM_JSON = frozenset({DType.DATETIME})
_BY_LIBRARY = {"excel": open_excel, "avro": open_avro}


def pins_fingerprint(table: Table) -> str:
    """Return the fingerprint of what decides a source's types: how it is read, what it is asked, or the function that makes it.

    Types pinned under another fingerprint do not bind: adding `null_values` may well turn texts into numbers.
    """
    if isinstance(table, Derived):
        return fingerprint("pins", table.build)
    source = table.source if isinstance(table, Events | Entity) else None
    asked = {name: value for name, value in source.meaning.items() if name != "url"} if isinstance(source, Asked) else None
    return fingerprint("pins", reading_of(source), *((asked,) if asked is not None else ()))


def read_source(source: File, root: Path) -> pl.LazyFrame:
    """Return a source's rows in order, each column of the narrowest type of the lake that holds all its values.

    Raises:
        SourceUnreadable: if the file is not there or not what it is said to be.
        UnsupportedColumn: for a column of a type that tables do not hold.
    """
    raw, dialect = open_source(source, root), dialect_of(source)
    return pl.DataFrame([convert(column, infer(column, raw.textual, dialect) or DType.STRING, dialect) for column in raw.columns()]).lazy()


def open_source(source: Source, root: Path) -> RawTable:
    """Return a source's raw rows.

    Raises:
        SystemFault: for a source that nothing reads.
        SourceUnreadable: if the file is not there or not what it is said to be, or its column names are empty, repeated or reserved.
    """
    file = require_file(source)
    path = locate(file, root)
    raw = _open_file(file, path)
    if not raw.names:
        raise SourceUnreadable(f"{path} is empty.", remedy="A table has at least one column.", location=file.location)
    _check_names(file, path, raw.names)
    return raw


def _open_file(source: File, path: Path) -> RawTable:
    if source.format in _BY_LIBRARY:
        return _BY_LIBRARY[source.format](source, path)
    if source.format == "csv":
        names, chunks = read_texts(source, path)
        return RawTable(names, _FROM_CSV, chunks)
    if source.format == "jsonl":
        names, chunks = read_objects(source, path)
        return RawTable(names, _FROM_JSON, chunks)
    schema, chunks = read_columnar(source, path)
    return RawTable(tuple(schema), frozenset(), chunks, schema)


def _check_names(source: File, path: Path, names: tuple[str, ...]) -> None:
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if any(not name.strip() for name in names):
        position = next(number for number, name in enumerate(names, 1) if not name.strip())
        raise SourceUnreadable(f"column {position} of {path} has no name.", remedy="Name it in the header.", location=source.location)
    if repeated:
        problem = f"{path} has several columns called {', '.join(map(repr, repeated))}."
        raise SourceUnreadable(problem, remedy="Rename all but one of each.", location=source.location)
    taken = sorted(set(names) & set(RESERVED))
    if taken:
        problem = f"{path} has a column called {taken[0]!r}, a name that Headrace keeps for itself."
        raise SourceUnreadable(problem, remedy="Rename it in the file.", location=source.location)
