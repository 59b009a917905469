"""Excel: the cells of one sheet as they are, each with the type that Excel gave it."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from headrace.core.errors import suggest
from headrace.expressions import DType
from headrace.ingest.errors import FormatNeedsExtra, SourceUnreadable
from headrace.ingest.python_rows import frame_of
from headrace.ingest.raw import RawTable
from headrace.ingest.unpack import opened
from headrace.spec.sources import File

_CHUNK_ROWS = 50_000
_EXACT = 2.0**53


def open_excel(source: File, path: Path) -> RawTable:
    """Return the rows of a sheet under its first row, which names the columns.

    Excel has no whole numbers: those without a fraction are taken for such. An empty cell and one that shows an error are null, and so
    are the source's `null_values`; a column with texts among its numbers is text. A workbook with several sheets wants `sheet=`.

    Raises:
        FormatNeedsExtra: if the library is not installed.
        SourceUnreadable: for a file that is no workbook, one with a password, or a sheet that it has not.
    """
    header, *rows = _cells(source, path) or [[]]
    names = tuple(str(cell) for cell in header)
    frame, _ = frame_of(names, [[_value(cell, source.null_values) for cell in row] for row in rows if any(cell != "" for cell in row)])
    return RawTable(names, frozenset({DType.DATETIME}), lambda: _slices(frame))


def _slices(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    return (frame.slice(start, _CHUNK_ROWS) for start in range(0, max(frame.height, 1), _CHUNK_ROWS))


def _cells(source: File, path: Path) -> Sequence[Sequence[Any]]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError, ZipError  # an extra
    except ModuleNotFoundError as error:
        raise FormatNeedsExtra(str(path), "excel", source.location) from error
    with opened(source, path) as stream:
        data = stream.read()
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            return workbook.get_sheet_by_name(_sheet(source, path, workbook.sheet_names)).to_python()
    except PasswordError as error:
        raise SourceUnreadable(f"{path} has a password.", remedy="Save it without one.", location=source.location) from error
    except (CalamineError, ZipError, OSError, ValueError) as error:
        remedy = "Check the file: it must be an Excel workbook (.xlsx, .xls, .xlsb) or an .ods."
        raise SourceUnreadable(f"{path} cannot be read as excel: {error}.", remedy=remedy, location=source.location) from error


def _sheet(source: File, path: Path, names: Sequence[str]) -> str:
    if source.sheet in names:
        return str(source.sheet)
    if source.sheet is not None:
        raise SourceUnreadable(f"{path} has no sheet {source.sheet!r}.", remedy=suggest(source.sheet, names), location=source.location)
    if len(names) != 1:
        remedy = f"Say which with sheet=: {', '.join(map(repr, names))}."
        raise SourceUnreadable(f"{path} has {len(names)} sheets.", remedy=remedy, location=source.location)
    return names[0]


def _value(cell: Any, null_values: Sequence[str]) -> Any:
    if isinstance(cell, str):
        return None if not cell or cell in null_values else cell
    return int(cell) if isinstance(cell, float) and cell.is_integer() and abs(cell) <= _EXACT else cell
