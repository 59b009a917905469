import datetime as dt
import sys
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import fastavro
import pytest

from headrace.ingest.errors import FormatNeedsExtra, SourceUnreadable, UnsupportedColumn
from headrace.ingest.sources import open_source, read_source
from headrace.spec.sources import File

AT = dt.datetime(2024, 3, 1, 12, 30, tzinfo=dt.UTC)
ID = UUID("12345678-1234-5678-1234-567812345678")
SCHEMA = {
    "type": "record",
    "name": "order",
    "fields": [
        {"name": "n", "type": "long"},
        {"name": "word", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}},
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "state", "type": {"type": "enum", "name": "state", "symbols": ["open", "closed"]}},
    ],
}


def record(number: int) -> dict[str, object]:
    word = None if number % 2 else "é"
    return {
        "n": number, "word": word, "at": AT, "day": AT.date(), "amount": Decimal("12.34"), "id": ID, "tags": ["a"], "state": "open"
    }  # fmt: skip


def written(path: Path, rows: int, codec: str = "deflate", schema: object = SCHEMA) -> Path:
    with path.open("wb") as stream:
        fastavro.writer(stream, schema, [record(number) for number in range(rows)], codec=codec)
    return path


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "xz"])
def test_each_value_keeps_its_meaning(tmp_path: Path, codec: str) -> None:
    written(tmp_path / "orders.avro", 2, codec)
    found = read_source(File("orders.avro"), tmp_path).collect()
    midnight = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)
    assert found.rows() == [
        (0, "é", AT, midnight, 12.34, str(ID), '["a"]', "open"),
        (1, None, AT, midnight, 12.34, str(ID), '["a"]', "open"),
    ]


def test_records_come_in_frames_of_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.ingest.avro._CHUNK_ROWS", 3)  # a bound made small
    raw = open_source(File(written(tmp_path / "orders.avro", 7).name), tmp_path)
    for _ in range(2):
        assert [frame["n"].to_list() for frame in raw.chunks()] == [[0, 1, 2], [3, 4, 5], [6]]


def test_no_records_are_no_rows(tmp_path: Path) -> None:
    raw = open_source(File(written(tmp_path / "orders.avro", 0).name), tmp_path)
    assert [frame.shape for frame in raw.chunks()] == [(0, 8)]


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    whole = written(tmp_path / "orders.avro", 1000).read_bytes()
    (tmp_path / "half.avro").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceUnreadable, match=r"half.avro cannot be read as avro"):
        read_source(File("half.avro"), tmp_path)
    for name, content in (("text.avro", b"a,b\n1,2\n"), ("empty.avro", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceUnreadable, match=rf"{name} cannot be read as avro"):
            read_source(File(name), tmp_path)


def test_bytes_and_what_is_no_record_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "bytes.avro").open("wb") as stream:
        fastavro.writer(stream, {"type": "record", "name": "r", "fields": [{"name": "raw", "type": "bytes"}]}, [{"raw": b"\0"}])
    with pytest.raises(UnsupportedColumn, match="'raw' is of bytes"):
        read_source(File("bytes.avro"), tmp_path)
    with (tmp_path / "numbers.avro").open("wb") as stream:
        fastavro.writer(stream, "long", [1, 2])
    with pytest.raises(SourceUnreadable, match="holds no records"):
        read_source(File("numbers.avro"), tmp_path)


def test_without_its_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "orders.avro", 1)
    monkeypatch.setitem(sys.modules, "fastavro", None)  # as if it were not installed
    with pytest.raises(FormatNeedsExtra, match=r"pip install 'headrace\[avro\]'"):
        read_source(File("orders.avro"), tmp_path)
