"""A file of questions, kept on disk as the features read it and as it is given back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from msgspec.structs import replace

from headrace.bundles.manifest import GivenField
from headrace.core.errors import UserError
from headrace.expressions import DType
from headrace.features.buckets import PLACE, BucketWriter
from headrace.features.frames import FRAME_ROWS, reframed
from headrace.ingest.column_types import convert
from headrace.ingest.delimited import find_separator
from headrace.ingest.dialect import PLAIN, Dialect
from headrace.ingest.inference import settle_types
from headrace.ingest.privacy import conceal
from headrace.ingest.raw import RawTable
from headrace.spec.errors import UnknownName
from headrace.spec.sources import File, Written
from headrace.spec.streams import Replay
from headrace.spec.tables import Table

GIVEN, WRITTEN = 0, 1
"""The buckets: given columns in the types that the features read, personal ones pseudonymised; all columns as they are given back."""
_RENAMED = "given "


@dataclass(frozen=True)
class Questions:
    """What a file must have. `types` are those of the given columns; columns `inferred` are given back in the narrowest type that holds
    all their values in the whole file, others as the texts that they are."""

    given: tuple[GivenField, ...]
    types: Mapping[str, DType]
    inferred: tuple[str, ...]
    key: bytes
    dialect: Dialect = PLAIN


def asked_source(path: Path, spine: Table) -> File:
    """Return a file of questions, its texts to be read as those of the table's own file, if that has the same format.

    Whoever has more rows of a kind writes them as they wrote the first: read in another way they would be other values. The separator is
    the one that the file seems to have.
    """
    source, plain = getattr(spine, "source", None), File(str(path.absolute()))
    own = source.source if isinstance(source, Replay) else source
    if isinstance(own, Written) and own.format == plain.format:
        options = {name: getattr(own, name) for name in Written.__struct_fields__ if name not in ("path", "location", "sheet")}
        plain = File(plain.path, **options)
    if plain.format != "csv" or not path.is_file():
        return plain
    try:
        return replace(plain, separator=find_separator(plain, path) or plain.separator)
    except UnicodeDecodeError:  # whoever reads it says which byte of which line
        return plain


def keep_questions(raw: RawTable, questions: Questions, folder: Path) -> int:
    """Keep a file in two buckets, a frame of both for each `FRAME_ROWS` rows; return how many rows there are.

    The file is read once, and before that once more if types must be inferred.

    Raises:
        UnknownName: for a given column that the file lacks.
        UserError: for a value that is not of its column's type, naming the row of the file.
    """
    for field in questions.given:
        if field.name not in raw.names:
            raise UnknownName("column", field.name, raw.names, where="the file lacks a column that must be given: ")
    texts = {name: DType.STRING for name in raw.names if name not in questions.inferred}
    kinds, rows = settle_types(raw, texts, questions.dialect, lambda _: None).types, 0
    with BucketWriter(folder, 2) as kept:
        for frame in reframed(_typed_chunks(raw, questions, kinds), FRAME_ROWS):
            given = frame.select(pl.col(_RENAMED + field.name).alias(field.name) for field in questions.given)
            kept.write(GIVEN, given.with_columns(pl.Series(PLACE, range(rows, rows + frame.height), dtype=pl.Int64)))
            kept.write(WRITTEN, frame.select(raw.names))
            rows += frame.height
    return rows


def _typed_chunks(raw: RawTable, questions: Questions, kinds: Mapping[str, DType]) -> Iterator[pl.DataFrame]:
    rows = 0
    for chunk in _chunks(raw):
        written = [convert(column, kinds[column.name], questions.dialect) for column in chunk.iter_columns()]
        given = [_given(chunk, field, questions, kinds[field.name], rows) for field in questions.given]
        yield pl.DataFrame([*written, *(column.alias(_RENAMED + column.name) for column in given)])
        rows += chunk.height


def _given(chunk: pl.DataFrame, field: GivenField, questions: Questions, natural: DType, rows: int) -> pl.Series:
    raw = chunk.get_column(field.name)
    if field.personal:
        return conceal(convert(raw, natural, questions.dialect).to_frame(), [field.name], questions.key).to_series()
    return _typed(raw, questions.types[field.name], rows, questions.dialect)


def _typed(raw: pl.Series, kind: DType, rows: int, dialect: Dialect) -> pl.Series:
    """Return values as the door of the lake takes them; one that has not the type is told, never guessed."""
    typed = convert(raw, kind, dialect)
    bad = typed.is_null() & raw.is_not_null()
    if bad.any():
        row = rows + int(bad.arg_true()[0]) + 1
        remedy = f"Expected {kind}, written as in the table's own file; leave empty what is not known."
        raise UserError(f"row {row:,}: {raw.name!r} cannot be {raw.filter(bad)[0]!r}.", remedy=remedy)
    return typed


def _chunks(raw: RawTable) -> Iterator[pl.DataFrame]:
    """Yield the file's rows, an empty frame where there is none."""
    empty = True
    for chunk in raw.chunks():
        empty = False
        yield chunk
    if empty:
        yield pl.DataFrame({name: pl.Series([], dtype=pl.Null) for name in raw.names})
