"""Texts in other encodings, and what is said of bytes that are none."""

import gzip
import io

import pytest

from headrace.ingest.encodings import as_utf8, find_undecodable, guess_encoding, looks_wide
from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.sources import read_source
from headrace.spec.sources import File

TEXT = "name,größe\nMüller,1\n"


@pytest.fixture
def read(tmp_path):
    def run(content, name="x.csv", **options):
        (tmp_path / name).write_bytes(content)
        return read_source(File(name, **options), tmp_path).collect().to_dict(as_series=False)

    return run


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp437", "utf-8"])
def test_a_file_is_read_in_the_encoding_declared(read, encoding):
    assert read(TEXT.encode(encoding), encoding=encoding) == {"name": ["Müller"], "größe": [1]}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(read, encoding):
    assert read(TEXT.encode(encoding)) == {"name": ["Müller"], "größe": [1]}
    assert read(gzip.compress(TEXT.encode(encoding), mtime=0), "x.csv.gz") == {"name": ["Müller"], "größe": [1]}


def test_json_lines_have_an_encoding_too(read):
    assert read('{"name":"Müller"}\n'.encode("cp1252"), "x.jsonl", encoding="cp1252") == {"name": ["Müller"]}


@pytest.mark.parametrize(
    ("content", "options", "problem", "remedy"),
    [
        ("a,b\nä,1\n".encode("cp1252"), {}, "the byte 0xe4 in line 2", "most likely cp1252, in which that byte is 'ä'"),
        ("ä,b\n1,1\n".encode("latin-1"), {}, "the byte 0xe4 in line 1", "cp1252"),
        (b"a,b\n" + b"1,2\n" * 3_000_000 + "ü,1\n".encode("cp1252"), {}, "in line 3,000,002", "'ü'"),
        ("имя,b\nпривет,1\n".encode("cp1251"), {}, "is not written in UTF-8", "common ones are"),
        ("名前,b\n日本,1\n".encode("shift_jis"), {}, "is not written in UTF-8", "common ones are"),
        (TEXT.encode("utf-16-le"), {}, "every other byte of it is zero", "add encoding='utf-16-le'"),
        (TEXT.encode("utf-16-be"), {}, "every other byte of it is zero", "add encoding='utf-16-be'"),
        (TEXT.encode("utf-8"), {"encoding": "ascii"}, "is not written in ASCII: the byte 0xc3 in line 1", "add encoding='utf-8'"),
        (TEXT.encode("utf-16")[:-1], {"encoding": "utf-16"}, "is not written in UTF-16", "encoding="),
    ],
)  # fmt: skip
def test_another_encoding_is_said_and_never_guessed(read, content, options, problem, remedy):
    with pytest.raises(SourceUnreadable, match=problem) as caught:
        read(content, **options)
    assert remedy in caught.value.remedy
    assert caught.value.location is not None


def test_json_lines_in_another_encoding_are_told_of(read):
    with pytest.raises(SourceUnreadable, match="the byte 0xfc in line 1") as caught:
        read('{"name":"Müller"}\n'.encode("cp1252"), "x.jsonl")
    assert "cp1252" in caught.value.remedy


def test_letters_on_the_edge_of_a_block_stay_whole():
    text = "é" * (3 << 19) + "\n"

    assert as_utf8(io.BytesIO(text.encode("utf-16")), "utf-8").read() == text.encode()
    assert find_undecodable([text.encode()[:1001], text.encode()[1001:]], "utf-8") is None
    assert find_undecodable([b"\xc3", b"(\n"], "utf-8").line == 1
    assert find_undecodable([b"a\n\xc3"], "utf-8").line == 2


def test_guesses_are_made_where_there_is_ground_for_one():
    assert guess_encoding(b"plain") == "utf-8"
    assert guess_encoding("grün".encode()) == "utf-8"
    assert guess_encoding("er sagte „grün“".encode("cp1252")) == "cp1252"
    assert guess_encoding(b"un\x81known \x9d") is None
    assert looks_wide(b"") is None
    assert looks_wide(bytes(100)) is None
