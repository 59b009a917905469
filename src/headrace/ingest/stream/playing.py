"""The rows of a source that ends, in the order in which they became known."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.core.fingerprints import fingerprint
from headrace.core.secrets import Secrets
from headrace.expressions import DType
from headrace.ingest.column_types import convert
from headrace.ingest.conform import conform
from headrace.ingest.contents import source_fingerprint
from headrace.ingest.dialect import Dialect, dialect_of
from headrace.ingest.evolution import follow
from headrace.ingest.folder import file_contents, folder_fingerprint, open_folder
from headrace.ingest.inference import ColumnTypes, settle_types
from headrace.ingest.landed import landed_table
from headrace.ingest.landing import Keeping, land
from headrace.ingest.mapping import known_columns, mapped, require_source
from headrace.ingest.raw import RawTable
from headrace.ingest.readers import reader_of
from headrace.ingest.reading import reading_of
from headrace.ingest.requests import unheard
from headrace.ingest.sources import open_source
from headrace.ingest.stream.messages import Writing
from headrace.spec.asked import Asked
from headrace.spec.folder import Folder
from headrace.spec.sources import Source
from headrace.spec.streams import Replay
from headrace.spec.tables import INGESTED, Entity, Events

NEVER = np.iinfo(np.int64).min
"""The moment of a row that has none: it comes before all others."""


class Played(NamedTuple):
    """Rows as they will be played.

    Attributes:
        frame: the source's columns, as they are written there.
        moments: when the first of each row's values became known, in microseconds, ascending; `NEVER` for a row without such a moment.
        writing: how the rows are written. The types are those that all rows together show.
        origin: the fingerprint of what decides which row has which number.
    """

    frame: pl.DataFrame
    moments: NDArray[np.int64]
    writing: Writing
    origin: str


def rows_to_play(table: Events | Entity, root: Path, secrets: Secrets, heard: Callable[[int], None] = unheard) -> Played:
    """Read a source whole and put it in order; equals stay in the order of the source. All rows are in memory.

    Raises:
        What `heard` raises, which is told of rows as they are read, each several times.
        SourceUnreadable, SourceUnreachable, SourceRefused, SourceChanged and what else the readers raise.
        ColumnProblem, ExpressionTypeError: if the declaration does not fit the rows.
    """
    assert isinstance(table.source, Replay)
    source = table.source.source
    raw, content = _opened(source, root, secrets, heard)
    dialect = dialect_of(source)
    raw = follow(raw, None, table, dialect).raw
    require_source(table, dict(table.types), raw.names)
    columns = settle_types(raw, table.types, dialect, heard)
    chunks = [(chunk, _moments(chunk, columns, dialect, table)) for chunk in _heard(raw.chunks(), heard)]
    frame, moments = (
        _joined([chunk for chunk, _ in chunks], raw.names),
        np.concatenate([np.empty(0, np.int64), *(each for _, each in chunks)]),
    )
    order = np.argsort(moments, kind="stable")
    writing = Writing(_with_times(columns, table), raw.textual, dialect)
    return Played(frame[order], moments[order], writing, _origin(table, content))


def _opened(source: Source, root: Path, secrets: Secrets, heard: Callable[[int], None]) -> tuple[RawTable, str]:
    """Return the raw rows of a source, and the fingerprint of what it holds."""
    if isinstance(source, Folder):
        return open_folder(source, root), folder_fingerprint(source, file_contents(source, root))
    if not isinstance(source, Asked):
        return open_source(source, root), source_fingerprint(source, root)
    blobs: dict[str, bytes] = {}
    landed, _ = land(reader_of(source, secrets, root), source.place, None, Keeping(_put_into(blobs), blobs.__getitem__, heard))
    return landed_table(landed, blobs.__getitem__), fingerprint(landed.fingerprint, reading_of(source))


def _heard(chunks: Iterable[pl.DataFrame], heard: Callable[[int], None]) -> Iterator[pl.DataFrame]:
    for chunk in chunks:
        yield chunk
        heard(chunk.height)


def _put_into(blobs: dict[str, bytes]) -> Callable[[bytes], str]:
    def put(content: bytes) -> str:
        name = sha256(content).hexdigest()
        blobs[name] = content
        return name

    return put


def _moments(chunk: pl.DataFrame, columns: ColumnTypes, dialect: Dialect, table: Events | Entity) -> NDArray[np.int64]:
    """Return when the first of each row's values became known; what is known as it is ingested has its time's place."""
    names = dict.fromkeys(table.time if name == INGESTED else name for name in known_columns(table))
    if not names:
        return np.full(chunk.height, NEVER)
    rows, _ = mapped(conform(chunk, columns.types, 0, dialect).frame, columns, table)
    return rows.select(pl.min_horizontal(*names).to_physical().fill_null(NEVER)).to_series().to_numpy()


def _with_times(columns: ColumnTypes, table: Events | Entity) -> dict[str, DType]:
    empty = set(columns.types) - set(columns.known)
    times = {name for name in (table.time, *known_columns(table)) if name in empty}
    return {**columns.types, **{name: DType.DATETIME for name in times if name}}


def _joined(chunks: list[pl.DataFrame], names: tuple[str, ...]) -> pl.DataFrame:
    """Return chunks as one frame; a column that has other types in them becomes text, whose values are read as the others would be."""
    if not chunks:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.Null))
    return pl.DataFrame([_one_column([chunk[name] for chunk in chunks]) for name in names])


def _one_column(parts: list[pl.Series]) -> pl.Series:
    kinds = {part.dtype for part in parts if not isinstance(part.dtype, pl.Null)}
    if len(kinds) > 1:
        parts = [part if isinstance(part.dtype, pl.Null) else convert(part, DType.STRING) for part in parts]
        kinds = {pl.String()}
    return pl.concat([part.cast(kind) for part in parts for kind in (kinds or {pl.Null()})])


def _origin(table: Events | Entity, content: str) -> str:
    order = (table.time, table.known, table.columns, {name: str(kind) for name, kind in table.types.items()}, table.evolution.rename)
    return fingerprint("played", content, *order)
