import gzip
import io
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from headrace.expressions import DType
from headrace.ingest.contents import source_fingerprint
from headrace.ingest.errors import SourceUnreadable, UnsupportedColumn
from headrace.ingest.sources import pins_fingerprint, read_source
from headrace.spec.sources import File
from headrace.spec.tables import Derived, Events


def zipped(**members):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return packed.getvalue()


@pytest.fixture
def read(tmp_path):
    def run(content, name="x.csv", **options):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_source(File(name, **options), tmp_path).collect()

    return run


CSV = "a,b\n1,x\n2,\n"
ROWS = {"a": [1, 2], "b": ["x", None]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", CSV),
        ("x.tsv", CSV.replace(",", "\t")),
        ("x.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("x.csv.zip", zipped(rows=CSV, **{"__MACOSX/rows": "junk", "folder/": ""})),
        ("x.zip", zipped(rows=CSV)),
        ("x.jsonl", '{"a":1,"b":"x"}\n{"a":2}\n'),
        ("x.ndjson.gz", gzip.compress(b'{"a":1,"b":"x"}\n{"a":2,"b":null}\n', mtime=0)),
        ("x.jsonl.zip", zipped(rows='{"a":1,"b":"x"}\n{"a":2,"b":null}\n')),
    ],
)
def test_every_text_format_is_read(read, name, content):
    assert read(content, name).to_dict(as_series=False) == ROWS


def test_binary_formats_are_read(read):
    parquet, arrow = io.BytesIO(), io.BytesIO()
    pl.DataFrame(ROWS).write_parquet(parquet)
    pl.DataFrame(ROWS).write_ipc(arrow)

    assert read(parquet.getvalue(), "x.parquet").to_dict(as_series=False) == ROWS
    assert read(arrow.getvalue(), "x.feather").to_dict(as_series=False) == ROWS


def test_types_of_other_systems_become_those_of_the_lake(read):
    frame = pl.DataFrame(
        {
            "small": pl.Series([1, None], dtype=pl.UInt8),
            "single": pl.Series([0.5, None], dtype=pl.Float32),
            "money": pl.Series([Decimal("1.25"), None]),
            "day": [date(2013, 1, 2), None],
            "naive": pl.Series([datetime(2013, 1, 2, 3), None], dtype=pl.Datetime("ns")),  # noqa: DTZ001 - naive on purpose
            "zoned": pl.Series([datetime(2013, 1, 2, 8, tzinfo=UTC), None]).dt.convert_time_zone("America/New_York"),
            "clock": [time(1, 2), None],
            "kind": pl.Series(["x", None], dtype=pl.Categorical),
            "level": pl.Series(["low", None], dtype=pl.Enum(["low", "high"])),
            "took": pl.Series([timedelta(seconds=1), None], dtype=pl.Duration("ms")),
            "nothing": [None, None],
        }
    )
    packed = io.BytesIO()
    frame.write_ipc(packed)

    found = read(packed.getvalue(), "x.arrow")
    assert found.row(0) == (
        1, 0.5, 1.25, datetime(2013, 1, 2, tzinfo=UTC), datetime(2013, 1, 2, 3, tzinfo=UTC), datetime(2013, 1, 2, 8, tzinfo=UTC),
        timedelta(hours=1, minutes=2), "x", "low", timedelta(seconds=1), None,
    )  # fmt: skip
    assert found.row(1) == (None,) * 11
    assert set(found.dtypes) == {pl.Int64(), pl.Float64(), pl.Datetime("us", "UTC"), pl.Duration("us"), pl.String()}


@pytest.mark.parametrize("values", [[[1]], [{"x": 1}], [b"x"]])
def test_nested_and_binary_columns_are_named(read, values):
    packed = io.BytesIO()
    pl.DataFrame({"tags": values}).write_parquet(packed)

    with pytest.raises(UnsupportedColumn, match="'tags'"):
        read(packed.getvalue(), "x.parquet")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        ("a,b\nä,1\n".encode("latin-1"), "not written in UTF-8"),
        ("ä,b\n1,1\n".encode("latin-1"), "not written in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "not written in UTF-8"),
        (b"a,b\n1,2\n1\n", "Row #3: Expected 2 columns, got 1"),
        (b"a,b\n1,2\n1,2,3\n", "Row #3: Expected 2 columns, got 3"),
        (b'a,b\n"x,2\n3,4\n', "Expected 2 columns"),
        (b"a,b,a\n1,2,3\n", "several columns called 'a'"),
        (b"a;b\n1,5;2\n", "has one column, called 'a;b': it seems to be separated by ';', not by ','"),
        (b"a,,c\n1,2,3\n", "column 2 of .* has no name"),
        (b"a,_arrival\n1,2\n", "'_arrival', a name that Headrace keeps"),
    ],
)
def test_a_csv_that_is_not_proper_is_told_so(read, content, said):
    with pytest.raises(SourceUnreadable, match=said) as caught:
        read(content)
    assert caught.value.remedy
    assert caught.value.location is not None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.zip", zipped(a="1", b="2"), "holds 2 files: a, b"),
        ("x.zip", zipped(), "holds no file"),
        ("x.zip", b"junk", "cannot be unpacked"),
        ("x.csv.gz", b"junk", "cannot be unpacked"),
        ("x.csv.gz", gzip.compress(CSV.encode() * 100, mtime=0)[:-20], "cannot be unpacked"),
        ("x.jsonl", b'{"a":\n', "cannot be read as jsonl"),
        ("x.jsonl", b"", "is empty"),
        ("x.parquet", b"junk", "cannot be read as parquet"),
        ("x.arrow", b"junk", "cannot be read as arrow"),
    ],
)
def test_a_file_that_is_not_what_it_is_called_is_told_so(read, name, content, said):
    with pytest.raises(SourceUnreadable, match=said):
        read(content, name)


def test_a_file_that_is_not_there_is_told_with_the_nearest_name(tmp_path):
    (tmp_path / "flights.csv").write_text(CSV)

    with pytest.raises(SourceUnreadable, match=r"Did you mean 'flights\.csv'"):
        read_source(File("flight.csv"), tmp_path)
    with pytest.raises(SourceUnreadable, match="no folder"):
        read_source(File("no/x.csv"), tmp_path)
    with pytest.raises(SourceUnreadable, match="is a folder"):
        read_source(File(".", format="csv"), tmp_path)


def test_the_row_that_is_not_proper_is_not_repeated_in_the_message(read):
    with pytest.raises(SourceUnreadable) as caught:
        read("name,age\nann,5\nbob\n")
    assert "bob" not in str(caught.value)


def test_quotes_blank_lines_byte_order_marks_and_a_header_alone(read):
    assert read(b'\xef\xbb\xbfa,b\r\n\r\n"x\ny","1,5"\r\n\r\n,""\r\n').to_dict(as_series=False) == {"a": ["x\ny", None], "b": ["1,5", None]}
    assert read("a;b\n1;2\n", separator=";").to_dict(as_series=False) == {"a": [1], "b": [2]}
    assert read("a,b").columns == ["a", "b"]
    assert read("a,b\nNA,-\n3,x\n", null_values=["NA", "-"]).to_dict(as_series=False) == {"a": [None, 3], "b": [None, "x"]}


def test_datetimes_in_json_are_recognised_but_digits_stay_text(read):
    found = read('{"at":"2013-01-01T05:00:00Z","code":"12"}\n', "x.jsonl")

    assert found.row(0) == (datetime(2013, 1, 1, 5, tzinfo=UTC), "12")


def test_a_source_is_its_content_and_how_it_is_read_and_not_its_place(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(CSV)
    (tmp_path / "c.csv").write_text(CSV + "3,\n")
    first = source_fingerprint(File("a.csv"), tmp_path)

    assert source_fingerprint(File("b.csv"), tmp_path) == first
    assert source_fingerprint(File("c.csv"), tmp_path) != first
    assert source_fingerprint(File("a.csv", null_values="NA"), tmp_path) != first
    with pytest.raises(SourceUnreadable):
        source_fingerprint(File("d.csv"), tmp_path)


def test_pins_hold_while_the_source_is_read_in_the_same_way():
    def table(source, **options):
        return pins_fingerprint(Events("t", source=source, **options))

    assert table(File("a.csv")) == table(File("b.csv"), types={"a": DType.INT})
    assert table(File("a.csv")) != table(File("a.csv", null_values="NA"))
    parent = Events("t", source=File("a.csv"))
    one, other = (Derived("d", inputs=[parent], build=build) for build in (lambda frame: frame, lambda frame: frame.head(1)))
    assert pins_fingerprint(one) != pins_fingerprint(other)
