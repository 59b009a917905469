"""Rows that do not stay in memory: staged on disk, profiled frame by frame, and the same as if they had stayed."""

import json
import math

import numpy as np
import polars as pl
import pytest

from headrace.ingest.errors import SourceUnreadable
from headrace.ingest.requests import IngestRequest
from headrace.ingest.sampling import look_at
from headrace.ingest.seen import Seen
from headrace.ingest.sources import open_source
from headrace.ingest.staging import Stage
from headrace.ingest.tables import ingest_table
from headrace.spec.expectations import between, unique
from headrace.spec.sources import File
from headrace.spec.tables import Events, Pseudonym

from .conftest import KEY, NOW, collected

ROWS = 3000


@pytest.fixture
def few_bytes(monkeypatch):
    """Everything that is kept in memory, kept in a few kilobytes of it: bounds made small."""
    monkeypatch.setattr("headrace.ingest.staging._PART_BYTES", 20_000)
    monkeypatch.setattr("headrace.ingest.raw._KEPT_BYTES", 10_000)
    monkeypatch.setattr("headrace.ingest.delimited._CHUNK_BYTES", 10_000)
    monkeypatch.setattr("headrace.ingest.delimited.LONGEST_BYTES", 5_000)
    monkeypatch.setattr("headrace.ingest.lines.LONGEST_BYTES", 5_000)
    monkeypatch.setattr("headrace.ingest.json_lines._BLOCK_BYTES", 10_000)
    monkeypatch.setattr("headrace.ingest.columnar._BATCH_ROWS", 100)
    monkeypatch.setattr("headrace.ingest.tallies._AT_ONCE", 1000)


def rows():
    draw = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "id": np.arange(ROWS) % 2900,
            "x": draw.normal(size=ROWS).round(3),
            "word": draw.choice(["a", "b", "c", "d,e", 'f"g', "h\ni"], ROWS),
            "only": [f"n{number}" for number in range(ROWS)],
            "at": pl.Series(np.arange(ROWS) * 3_600_000_000).cast(pl.Datetime("us", "UTC")),
            "late": [None] * (ROWS - 1) + [1.5],
            "yes": draw.random(ROWS) < 0.3,
        }
    )


def table_of(name):
    return Events(
        "t",
        source=File(name),
        id="id",
        time="at",
        expect=[between("x", -2, 2), unique(["word", "x"], severity="warn")],
        personal={"only": Pseudonym()},
    )


def ingested(tmp_path, name):
    table, heard = table_of(name), []
    scratch = tmp_path / f"scratch {len(list(tmp_path.iterdir()))}"
    scratch.mkdir()
    raw = open_source(table.source, tmp_path)
    return collected(
        ingest_table(IngestRequest(table=table, raw=raw, now=NOW, pseudonym_key=KEY, scratch=scratch, heard=heard.append))
    ), heard


WRITERS = {
    "x.csv": pl.DataFrame.write_csv,
    "x.jsonl": pl.DataFrame.write_ndjson,
    "x.parquet": lambda frame, path: frame.write_parquet(path, row_group_size=200),
    "x.arrow": lambda frame, path: frame.write_ipc(path, record_batch_size=200),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_larger_than_memory_is_what_it_is_in_memory(tmp_path, name, request):
    WRITERS[name](rows(), tmp_path / name)
    whole, _ = ingested(tmp_path, name)
    request.getfixturevalue("few_bytes")
    parts, heard = ingested(tmp_path, name)

    assert whole.outcome.accepted.parts == ()
    assert len(parts.outcome.accepted.parts) > 3
    assert parts.accepted.equals(whole.accepted)
    assert parts.quarantined.equals(whole.quarantined)
    assert parts.quarantined.height > 50
    assert parts.duplicates == whole.duplicates > 50
    assert parts.results == whole.results
    assert parts.source_types == whole.source_types
    assert heard[-1] == ROWS
    assert len(heard) > 10
    for one, other in zip(parts.profile.columns, whole.profile.columns, strict=True):
        mean, std = (one.mean, one.std), (other.mean, other.std)
        assert all(a == b or math.isclose(a, b, rel_tol=1e-12) for a, b in zip(mean, std and (other.mean, other.std), strict=True))
        assert (one.name, one.nulls, one.distinct, one.min, one.max, one.quantiles, one.top) == (
            other.name, other.nulls, other.distinct, other.min, other.max, other.quantiles, other.top,
        )  # fmt: skip


def test_a_stop_is_heard_while_rows_are_read(tmp_path, few_bytes):
    rows().write_csv(tmp_path / "x.csv")
    table = table_of("x.csv")

    def stop(behind):
        raise KeyboardInterrupt(behind)

    with pytest.raises(KeyboardInterrupt) as stopped:
        ingest_table(
            IngestRequest(table=table, raw=open_source(table.source, tmp_path), now=NOW, pseudonym_key=KEY, scratch=tmp_path, heard=stop)
        )
    assert stopped.value.args[0] < ROWS / 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", "a,b\n1,2\n" + "x" * 20_000 + ",2\n3,4\n", r"line 3 of .* is longer than"),
        ("x.csv", "a" * 20_000, r"line 1 of .* is longer than"),
        ("x.csv", "a,b\n" + "1,2\n" * 9 + '1,"2\n' + "3,4\n" * 5000, r"a row of .* after row \d+ is longer than"),
        ("x.jsonl", '{"a":1}\n{"a":"' + "x" * 50_000 + '"}\n', r"line 2 of .* is longer than"),
    ],
)
def test_a_line_that_does_not_end_is_named(tmp_path, few_bytes, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceUnreadable, match=said):
        for _ in open_source(File(name), tmp_path).chunks():
            pass


@pytest.mark.parametrize("content", ['a,b\n1,2\n3,"x', 'a,b\n1,2\n3,"x\n4,5\n', 'a,b\n1,2\n3,"x ""y"" z\n'])
def test_a_quote_that_is_never_closed_is_told_and_its_text_is_not(tmp_path, content):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(SourceUnreadable, match="the quote that opens the last field of row 3 is never closed") as caught:
        list(open_source(File("x.csv"), tmp_path).chunks())
    assert "4,5" not in str(caught.value)


@pytest.mark.parametrize("last", ['"x"', '"x\ny"', '""', '""""', '"a ""b"""', "x", 'x"y', "", '"x"\n\n'])
def test_a_quote_that_is_closed_is_not_told(tmp_path, last):
    (tmp_path / "x.csv").write_text(f"a,b\n1,2\n3,{last}")
    assert pl.concat(open_source(File("x.csv"), tmp_path).chunks()).height == 2


def test_zero_bytes_are_kept(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b\nx\0y,1\n")
    assert next(open_source(File("x.csv"), tmp_path).chunks()).rows() == [("x\0y", "1")]


def test_a_line_that_is_no_json_is_named_and_not_repeated(tmp_path, few_bytes):
    lines = [json.dumps({"name": "ann", "n": number}) for number in range(3000)]
    lines[2500] = '{"name": "secret"'
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    with pytest.raises(SourceUnreadable, match="line 2501 is no JSON") as caught:
        open_source(File("x.jsonl"), tmp_path)
    assert "secret" not in str(caught.value)


def test_objects_with_other_names_make_one_table(tmp_path, few_bytes):
    lines = [{"a": 1}] * 2000 + [{"b": "x"}] * 2000 + [{"a": 2.5}]
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)))
    table = Events("t", source=File("x.jsonl"))
    found = collected(
        ingest_table(IngestRequest(table=table, raw=open_source(table.source, tmp_path), now=NOW, pseudonym_key=KEY, scratch=tmp_path))
    )
    assert found.accepted.select("a", "b").rows() == [(1.0, None)] * 2000 + [(None, "x")] * 2000 + [(2.5, None)]


def test_keys_seen_before_are_known_in_any_frame():
    draw = np.random.default_rng(3)
    frame = pl.DataFrame({"a": draw.integers(0, 300, 5000), "b": draw.choice([0.0, -0.0, math.nan, 1.0], 5000), "c": ["x", None] * 2500})
    expected = ~frame.select(pl.struct("a", "b").is_first_distinct()).to_series()
    seen, told, start = Seen(["a", "b"]), [], 0
    while start < frame.height:
        step = int(draw.integers(1, 200))
        told += seen.repeated(frame[start : start + step]).to_list()
        start += step
    assert told == expected.to_list()
    assert Seen(["c"]).repeated(frame).to_list() == [False, False] + [True, False] * 2499


def test_rows_are_staged_in_their_order_in_memory_or_on_disk(tmp_path, few_bytes):
    frame = rows()
    stage = Stage(tmp_path, "some")
    for start in range(0, ROWS, 77):
        stage.write(frame[start : start + 77])
    staged = stage.close()
    assert len(staged.parts) > 3
    assert staged.collect().equals(frame)
    assert pl.concat(staged.frames(["x"])).equals(frame.select("x"))
    assert [each.shape for each in Stage(tmp_path, "none").close().frames()] == [(0, 0)]


def test_a_look_at_many_rows_is_every_so_many_of_them(tmp_path, few_bytes, monkeypatch):
    rows().write_csv(tmp_path / "x.csv")
    raw = open_source(File("x.csv"), tmp_path)
    whole = look_at(raw)
    monkeypatch.setattr("headrace.ingest.sampling._MOST_BYTES", 30_000)  # a bound made small
    some = look_at(raw)

    assert whole.every == 1
    assert some.every > 3
    assert pl.DataFrame(some.columns).equals(pl.DataFrame(whole.columns).gather_every(some.every))
