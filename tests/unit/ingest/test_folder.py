import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from headrace.ingest.errors import ColumnProblem, SourceUnreadable
from headrace.ingest.folder import file_contents, find_files, folder_fingerprint, open_folder, say_changes
from headrace.spec.errors import InvalidOption
from headrace.spec.folder import Folder


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    for day, shop, text in (("2024-01-02", "b", "n\n3\n"), ("2024-01-01", "b", "n\n2\n"), ("2024-01-01", "a", "n\n1\n")):
        put(tmp_path, f"sales/{day}/{shop}.csv", text)
    return tmp_path


def rows(source: Folder, root: Path) -> list[tuple[object, ...]]:
    return [row for frame in open_folder(source, root).chunks() for row in frame.rows()]


def test_files_come_in_the_order_of_their_names_with_columns_from_the_path(sales: Path) -> None:
    raw = open_folder(Folder("sales/{day:%Y-%m-%d}/{shop}.csv"), sales)
    assert raw.names == ("n", "day", "shop")
    for _ in range(2):
        frames = list(raw.chunks())
        assert [frame.schema["day"] for frame in frames] == [pl.Date] * 3
        assert [row for frame in frames for row in frame.rows()] == [
            ("1", dt.date(2024, 1, 1), "a"),
            ("2", dt.date(2024, 1, 1), "b"),
            ("3", dt.date(2024, 1, 2), "b"),
        ]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("sales/*/a.csv", ["2024-01-01/a.csv"]),
        ("sales/2024-01-01/*.csv", ["a.csv", "b.csv"]),
        ("sales/**/[!a].csv", ["2024-01-01/b.csv", "2024-01-02/b.csv"]),
        ("**/?.csv", ["sales/2024-01-01/a.csv", "sales/2024-01-01/b.csv", "sales/2024-01-02/b.csv"]),
        ("sales/{year}-01-{day}/b.csv", ["2024-01-01/b.csv", "2024-01-02/b.csv"]),
    ],
)
def test_patterns(sales: Path, pattern: str, names: list[str]) -> None:
    assert [each.name for each in find_files(Folder(pattern), sales)] == names


def test_a_date_may_span_folders(tmp_path: Path) -> None:
    put(tmp_path, "log/2024/03/05/x.csv", "n\n1\n")
    put(tmp_path, "log/2024/13/05/x.csv", "n\n2\n")
    put(tmp_path, "log/misc/03/05/x.csv", "n\n3\n")
    assert rows(Folder("log/{day:%Y/%m/%d}/*.csv"), tmp_path) == [("1", dt.date(2024, 3, 5))]


def test_a_file_whose_date_is_none_is_named(tmp_path: Path) -> None:
    put(tmp_path, "in/s-2024-02-29.csv", "n\n1\n")
    source = Folder("in/s-{day:%Y-%m-%d}.csv")
    before = file_contents(source, tmp_path)
    put(tmp_path, "in/s-2024-02-30.csv", "n\n2\n")
    assert rows(source, tmp_path) == [("1", dt.date(2024, 2, 29))]
    assert open_folder(source, tmp_path).notes == ("1 file is left out, with no such date in the calendar: s-2024-02-30.csv",)
    assert folder_fingerprint(source, file_contents(source, tmp_path)) != folder_fingerprint(source, before)


def test_an_hour_in_the_path_makes_a_moment(tmp_path: Path) -> None:
    put(tmp_path, "log/20240305-13.csv", "n\n1\n")
    assert rows(Folder("log/{at:%Y%m%d-%H}.csv"), tmp_path) == [("1", dt.datetime(2024, 3, 5, 13))]  # noqa: DTZ001


def test_special_letters_of_patterns_in_the_folder_are_letters(tmp_path: Path) -> None:
    put(tmp_path, "a (x).b+c/rows.csv", "n\n1\n")
    assert rows(Folder("a (x).b+c/*.csv"), tmp_path / ".") == [("1",)]
    put(tmp_path / "[root]", "in/rows.csv", "n\n2\n")
    assert rows(Folder("in/*.csv"), tmp_path / "[root]") == [("2",)]


def test_hidden_files_are_nobodys_rows(tmp_path: Path) -> None:
    put(tmp_path, "in/a.csv", "n\n1\n")
    put(tmp_path, "in/._a.csv", "rubbish")
    put(tmp_path, "in/.cache/b.csv", "rubbish")
    assert rows(Folder("in/**/*.csv"), tmp_path) == [("1",)]


def test_columns_that_a_file_has_not_are_null_and_that_is_said(tmp_path: Path) -> None:
    put(tmp_path, "in/1.csv", "a,b\n1,2\n")
    put(tmp_path, "in/2.csv", "b,c\n3,4\n")
    raw = open_folder(Folder("in/*.csv"), tmp_path)
    assert [row for frame in raw.chunks() for row in frame.rows()] == [("1", "2", None), (None, "3", "4")]
    assert raw.notes == (
        "a is null in 1 of 2 files, without such a column: 2.csv",
        "c is null in 1 of 2 files, without such a column: 1.csv",
    )


def test_columns_that_differ_may_be_refused(tmp_path: Path) -> None:
    put(tmp_path, "in/1.csv", "a,b\n1,2\n")
    put(tmp_path, "in/2.csv", "b,c\n3,4\n")
    with pytest.raises(SourceUnreadable, match=r"2.csv has no 'a' and has 'c' besides, unlike 1.csv"):
        open_folder(Folder("in/*.csv", differing="refuse"), tmp_path)


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    put(tmp_path, "in/1.csv", "a,b\n1,2\n")
    put(tmp_path, "in/2.csv", "b,a\n3,4\n")
    assert rows(Folder("in/*.csv", differing="refuse"), tmp_path) == [("1", "2"), ("4", "3")]


def test_the_options_are_those_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/1.csv").write_bytes("a;b\nä;?\n".encode("cp1252"))
    assert rows(Folder("in/*.csv", separator=";", encoding="cp1252", null_values="?"), tmp_path) == [("ä", None)]


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    put(tmp_path, "in/1.csv", "a\n1\n")
    put(tmp_path, "in/2.csv", "a,b\n1\n")
    with pytest.raises(SourceUnreadable, match=r"in/2.csv is not a proper CSV"):
        rows(Folder("in/*.csv"), tmp_path)


def test_no_file_says_what_there_is(tmp_path: Path) -> None:
    put(tmp_path, "in/1.txt", "a\n1\n")
    with pytest.raises(SourceUnreadable, match=r"no file in .*/in is called as 'in/\*.csv' says.\n  There are: 1.txt"):
        find_files(Folder("in/*.csv"), tmp_path)
    with pytest.raises(SourceUnreadable, match=r"there is no folder .*/inn.\n  Did you mean 'in'"):
        find_files(Folder("inn/*.csv"), tmp_path)


def test_a_placeholder_that_is_a_column_already_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "in/2024-01-01.csv", "day\n1\n")
    with pytest.raises(ColumnProblem, match=r"2024-01-01.csv has a column 'day'"):
        open_folder(Folder("in/{day:%Y-%m-%d}.csv"), tmp_path)


@pytest.mark.parametrize("path", ["in/{}.csv", "in/{a}/{a}.csv", "in/{1a}.csv"])
def test_placeholders_have_names_of_their_own(path: str) -> None:
    with pytest.raises(InvalidOption, match="placeholders with a name of their own"):
        Folder(path)


def test_its_fingerprint_is_that_of_names_and_contents(sales: Path) -> None:
    source = Folder("sales/{day:%Y-%m-%d}/{shop}.csv")
    before = file_contents(source, sales)
    assert list(before) == ["2024-01-01/a.csv", "2024-01-01/b.csv", "2024-01-02/b.csv"]
    print_ = folder_fingerprint(source, before)
    sales.rename(sales.parent / "elsewhere")
    assert folder_fingerprint(source, file_contents(source, sales.parent / "elsewhere")) == print_
    put(sales.parent / "elsewhere", "sales/2024-01-01/a.csv", "n\n9\n")
    assert folder_fingerprint(source, file_contents(source, sales.parent / "elsewhere")) != print_
    assert folder_fingerprint(Folder("sales/{at:%Y-%m-%d}/{shop}.csv"), before) != print_


def test_what_became_of_the_files_is_said() -> None:
    assert say_changes({}, {"a": "1"}) == ()
    assert say_changes({"a": "1", "b": "1"}, {"a": "1", "b": "1"}) == ()
    told = say_changes({"a": "1", "b": "1", "c": "1"}, {"b": "2", "c": "1", "d": "1", "e": "1"})
    assert told == ("2 files new: d, e", "1 file changed: b", "1 file gone: a")
