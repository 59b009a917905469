"""Laws of ingestion, on files with junk in them."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.errors import UserError
from headrace.expressions import DType, col
from headrace.ingest.json_lines import read_objects
from headrace.ingest.requests import Ingested, IngestRequest
from headrace.ingest.sources import open_source
from headrace.ingest.tables import ingest_table
from headrace.spec.expectations import check, matches, not_null, one_of, unique
from headrace.spec.sources import File
from headrace.spec.tables import Events, Pseudonym

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JUNK = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=6)
CELL = st.one_of(
    st.integers(-5, 5).map(str),
    st.floats(width=16).map(str),
    st.sampled_from(["", "NA", "true", "2013-01-01", "2013-01-02T03:04:05Z", "007"]),
    JUNK,
)
ROWS = st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=12)
PINS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([kind for kind in DType if kind is not DType.NULL]))
RULES = (
    not_null("a"),
    matches("b", "[a-z]*"),
    one_of("d", ["x", "1"], severity="warn"),
    unique(["a", "b"]),
    check("short", col("d").len_chars() < 5),
)


def as_csv(rows):
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c", "d"), *rows])
    return text.getvalue().encode()


class Found(NamedTuple):
    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    outcome: Ingested


def read(table, folder, now=NOW, pins=None, previous=None, raw=None):
    raw = raw or open_source(table.source, Path(folder))
    outcome = ingest_table(
        IngestRequest(table=table, raw=raw, now=now, pseudonym_key=b"k" * 32, scratch=Path(folder), pinned=pins, previous=previous)
    )
    return Found(outcome.accepted.collect(), outcome.quarantined.collect(), outcome)


def ingested(rows, pins, identity, rules):
    types = {**pins, "d": DType.STRING} | ({"b": DType.STRING} if any("b" in rule.columns for rule in rules) else {})
    with TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(as_csv(rows))
        table = Events("t", source=File("x.csv", null_values="NA"), types=types, id=identity, expect=rules, personal={"c": Pseudonym()})
        return read(table, folder)


@settings(max_examples=60, deadline=None)
@given(ROWS, PINS, st.sets(st.sampled_from("abc"), max_size=2), st.sets(st.sampled_from(RULES)))
def test_every_row_is_accepted_quarantined_or_a_duplicate_and_none_twice(rows, pins, identity, rules):
    found = ingested(rows, pins, sorted(identity), tuple(rules))

    assert found.outcome.rows_in == len(rows) == found.accepted.height + found.quarantined.height + found.outcome.duplicates
    seen = [*found.accepted["_arrival"], *found.quarantined["_arrival"]]
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(range(len(rows)))
    assert found.accepted["_arrival"].is_sorted()
    assert all(reason for reason in found.quarantined["_reason"])
    assert all(set(json.loads(row)) == {"a", "b", "c", "d"} for row in found.quarantined["_row"])
    if identity:
        assert not found.accepted.select(sorted(identity)).is_duplicated().any()


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('ab,"\\n\\r 1.-\\t;', max_size=60).map(str.encode)), PINS)
def test_any_bytes_are_a_table_or_a_user_error(content, pins):
    with TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(content)
        table = Events("t", source=File("x.csv"))
        try:
            found = read(table, folder, NOW, pins)
        except UserError:
            return
    assert found.outcome.rows_in == found.accepted.height + found.quarantined.height
    assert found.accepted.schema.names()[-2:] == ["_arrival", "_ingested"]


@settings(max_examples=30, deadline=None)
@given(ROWS, PINS)
def test_no_personal_value_is_told(rows, pins):
    marked = [(a, b, f"secret-{c}", d) for a, b, c, d in rows]
    found = ingested(marked, pins, ["a"], RULES)

    told = pl.concat([found.quarantined["_row"], found.quarantined["_reason"], found.accepted["c"].cast(pl.String)])
    assert not any("secret-" in text for text in told.drop_nulls())


@settings(max_examples=30, deadline=None)
@given(ROWS)
def test_a_file_read_again_with_its_own_pins_is_the_same_table(rows):
    with TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(as_csv(rows))
        table = Events("t", source=File("x.csv"), expect=(not_null("a"),))
        first = read(table, folder)
        later = datetime(2027, 1, 1, tzinfo=UTC)
        again = read(table, folder, later, first.outcome.source_types, first.accepted.lazy())

    assert again.accepted.equals(first.accepted)
    assert again.outcome.types == first.outcome.types


@settings(max_examples=60, deadline=None)
@given(ROWS, PINS, st.sets(st.sampled_from("abc"), max_size=2), st.sets(st.sampled_from(RULES)), st.sets(st.integers(1, 11)))
def test_where_a_source_is_cut_into_chunks_makes_no_difference(rows, pins, identity, rules, cuts):
    types = {**pins, "d": DType.STRING} | ({"b": DType.STRING} if any("b" in rule.columns for rule in rules) else {})
    source = File("x.csv", null_values="NA")
    table = Events("t", source=source, types=types, id=sorted(identity), expect=tuple(rules), personal={"c": Pseudonym()})
    with TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(as_csv(rows))
        raw = open_source(source, Path(folder))
        whole = read(table, folder)
        edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
        frame = pl.DataFrame(raw.columns())
        pieces = [frame[start:end] for start, end in pairwise(edges)]
        cut = read(table, folder, raw=replace(raw, chunks=lambda: iter(pieces)))

    assert cut.accepted.equals(whole.accepted)
    assert cut.quarantined.equals(whole.quarantined)
    assert cut.outcome.results == whole.outcome.results
    assert cut.outcome.source_types == whole.outcome.source_types
    assert cut.outcome.profile == whole.outcome.profile


NUMBER = st.one_of(st.integers(-5, 5), st.integers(-5, 5).map(float), st.floats(allow_nan=False, allow_infinity=False))
NUMBER_OR_TEXT = st.one_of(NUMBER, st.none(), st.sampled_from(["x", "007", "1.0"]))


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBER_OR_TEXT, min_size=1, max_size=8), st.integers(1, 40), st.sampled_from([{}, {"a": DType.STRING}]))
def test_where_json_lines_are_cut_into_blocks_makes_no_difference(values, block, types):
    table = Events("t", source=File("x.jsonl"), types=types)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.jsonl"
        path.write_text("".join(json.dumps({"a": value}) + "\n" for value in [*values, "x"]))
        raw = open_source(table.source, Path(folder))
        whole = read(table, folder, raw=raw)
        names, chunks = read_objects(table.source, path, block)
        cut = read(table, folder, raw=replace(raw, names=names, chunks=chunks))

    assert cut.accepted.equals(whole.accepted)
