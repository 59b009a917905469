"""Files: what their names say."""

from pathlib import Path

import pytest

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


@pytest.mark.parametrize("options", [{}, {"format": "excel"}])
def test_an_unknown_format_is_refused(options):
    with pytest.raises(InvalidOption, match=r"the format of File\('a.xlsx'\)") as raised:
        File("a.xlsx", **options)
    assert "csv, jsonl, parquet, arrow" in raised.value.remedy


@pytest.mark.parametrize("separator", ["::", "é"])
def test_a_separator_is_one_ascii_character(separator):
    with pytest.raises(InvalidOption, match="the separator of"):
        File("a.csv", separator=separator)
