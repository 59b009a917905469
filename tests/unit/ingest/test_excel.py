"""Workbooks as Excel writes them, made here."""

import datetime as dt
import sys
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from headrace.ingest.errors import FormatNeedsExtra, SourceUnreadable
from headrace.ingest.sources import open_source, read_source
from headrace.spec.errors import InvalidOption
from headrace.spec.sources import File

DAY, MOMENT, NOON = dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 13, 14, 15), dt.time(12)  # noqa: DTZ001  Excel knows no zones
HEADER = ["n", "price", "code", "ok", "day", "moment", "at", "mixed"]


def workbook(path: Path, rows: list[list[object]], sheets: tuple[str, ...] = ("data",), **options: object) -> Path:
    with xlsxwriter.Workbook(path, options) as book:
        formats = {
            kind: book.add_format({"num_format": text})
            for kind, text in ((dt.date, "yyyy-mm-dd"), (dt.datetime, "yyyy-mm-dd hh:mm:ss"), (dt.time, "hh:mm:ss"))
        }
        for sheet in map(book.add_worksheet, sheets):
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if cell is not None:
                        sheet.write(row, column, cell, formats.get(type(cell)))
    return path


def read(path: Path, **options: object) -> pl.DataFrame:
    return read_source(File(path.name, **options), path.parent).collect()


@pytest.mark.parametrize("since_1904", [False, True])
def test_each_cell_keeps_its_type(tmp_path: Path, since_1904: bool) -> None:
    rows = [HEADER, [1, 2.5, "007", True, DAY, MOMENT, NOON, 7], [2, 3, "x", False, DAY, DAY, NOON, "A7"], [None, None, "y"]]
    found = read(workbook(tmp_path / "book.xlsx", rows, date_1904=since_1904))
    midnight = dt.datetime(2024, 2, 29, tzinfo=dt.UTC)
    assert found.rows() == [
        (1, 2.5, "007", True, midnight, MOMENT.replace(tzinfo=dt.UTC), dt.timedelta(hours=12), "7"),
        (2, 3.0, "x", False, midnight, midnight, dt.timedelta(hours=12), "A7"),
        (None, None, "y", None, None, None, None, None),
    ]


def test_texts_that_mean_null(tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", [["a", "b"], [1, "n/a"], ["n/a", 2]])
    assert read(path, null_values="n/a").rows() == [(1, None), (None, 2)]


def test_an_empty_row_is_no_row(tmp_path: Path) -> None:
    assert read(workbook(tmp_path / "book.xlsx", [["a"], [1], [None], [2]])).rows() == [(1,), (2,)]


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    raw = open_source(File(workbook(tmp_path / "book.xlsx", [["a", "b"]]).name), tmp_path)
    assert raw.names == ("a", "b")
    assert [frame.shape for frame in raw.chunks()] == [(0, 2)]


def test_one_of_several_sheets_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", [["a"], [1]], ("sales", "notes"))
    with pytest.raises(SourceUnreadable, match=r"has 2 sheets\.\n.*sheet=: 'sales', 'notes'"):
        read(path)
    with pytest.raises(SourceUnreadable, match=r"no sheet 'sale'\.\n.*Did you mean 'sales'"):
        read(path, sheet="sale")
    assert read(path, sheet="notes").rows() == [(1,)]


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"a,b\n1,2\n")
    with pytest.raises(SourceUnreadable, match=r"book.xlsx cannot be read as excel"):
        read(tmp_path / "book.xlsx")
    (tmp_path / "empty.xlsx").touch()
    with pytest.raises(SourceUnreadable, match=r"empty.xlsx"):
        read(tmp_path / "empty.xlsx")
    whole = workbook(tmp_path / "whole.xlsx", [["a"], [1]]).read_bytes()
    (tmp_path / "half.xlsx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceUnreadable, match=r"half.xlsx cannot be read as excel"):
        read(tmp_path / "half.xlsx")


def test_a_column_without_a_name_or_a_sheet_without_anything(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"column 2 of .* has no name"):
        read(workbook(tmp_path / "book.xlsx", [["a", None, "c"], [1, 2, 3]]))
    with pytest.raises(SourceUnreadable, match="is empty"):
        read(workbook(tmp_path / "nothing.xlsx", []))


def test_without_its_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)  # as if it were not installed
    with pytest.raises(FormatNeedsExtra, match=r"pip install 'headrace\[excel\]'"):
        read(workbook(tmp_path / "book.xlsx", [["a"], [1]]))


def test_only_a_workbook_has_sheets() -> None:
    with pytest.raises(InvalidOption, match="only an Excel workbook has sheets"):
        File("rows.csv", sheet="data")
