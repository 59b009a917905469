"""Files: what their names say."""

from pathlib import Path

import pytest

from headrace.expressions.errors import ExpressionError
from headrace.spec.errors import InvalidOption
from headrace.spec.sources import File


@pytest.mark.parametrize(
    ("name", "format", "separator"),
    [
        ("a.csv", "csv", ","), ("A.CSV.GZ", "csv", ","), ("a.csv.zip", "csv", ","), ("a.zip", "csv", ","), ("a.tsv", "csv", "\t"),
        ("a.jsonl.gz", "jsonl", ","), ("a.ndjson", "jsonl", ","), ("a.parquet", "parquet", ","), ("a.feather", "arrow", ","),
    ],
)  # fmt: skip
def test_the_name_says_the_format(name, format, separator):
    file = File(name)
    assert (file.format, file.separator) == (format, separator)


def test_a_path_and_one_null_value():
    file = File(Path("data") / "a.csv", null_values="NA", separator=";")
    assert (file.path, file.null_values, file.separator) == ("data/a.csv", ("NA",), ";")


@pytest.mark.parametrize("options", [{}, {"format": "word"}])
def test_an_unknown_format_is_refused(options):
    with pytest.raises(InvalidOption, match=r"the format of File\('a.docx'\)") as raised:
        File("a.docx", **options)
    assert "csv, jsonl, parquet, arrow" in raised.value.remedy


@pytest.mark.parametrize("separator", ["::", "é"])
def test_a_separator_is_one_ascii_character(separator):
    with pytest.raises(InvalidOption, match="the separator of"):
        File("a.csv", separator=separator)


def test_dates_are_formats_by_column():
    assert File("a.csv", dates="%d.%m.%Y").date_formats("x") == ("%d.%m.%Y",)
    by_column = File("a.csv", dates={"x": ["%d.%m.%Y", "%d.%m.%y"], "*": "%Y/%m/%d"})
    assert by_column.date_formats("x") == ("%d.%m.%Y", "%d.%m.%y")
    assert by_column.date_formats("y") == ("%Y/%m/%d",)
    assert by_column.date_columns == ("x",)
    assert File("a.csv").date_formats("x") == ()


@pytest.mark.parametrize(
    ("options", "said", "remedy"),
    [
        ({"timezone": "America/NewYork"}, "the timezone of", "such as 'America/New_York'"),
        ({"timezone": "../etc/passwd"}, "the timezone of", "such as"),
        ({"timezone": "America"}, "the timezone of", "such as"),
        ({"encoding": "base64"}, "the encoding of", "cp1252"),
        ({"encoding": "klingon"}, "the encoding of", "cp1252"),
        ({"decimal": "·"}, "the decimal of", "'.', ','"),
        ({"decimal": ",", "thousands": ","}, "the thousands of", "'.'"),
        ({"ambiguous": "raise"}, "the ambiguous of", "'earliest', 'latest'"),
        ({"nonexistent": "earliest"}, "the nonexistent of", "'quarantine', 'null'"),
    ],
)
def test_options_of_written_texts_name_their_choices(options, said, remedy):
    with pytest.raises(InvalidOption, match=said) as raised:
        File("a.csv", **options)
    assert remedy in raised.value.remedy
    assert raised.value.location.file == __file__


def test_a_format_without_a_date_is_refused_with_its_line():
    with pytest.raises(ExpressionError, match="does not say a moment") as raised:
        File("a.csv", dates={"x": "%d"})
    assert raised.value.location.file == __file__
