"""Changing things at the door: deletes, and rows that change nothing."""

from datetime import datetime

import polars as pl
import pytest

from headrace.expressions import DType, col
from headrace.ingest.errors import ColumnProblem
from headrace.ingest.requests import IngestRequest
from headrace.ingest.sources import open_source
from headrace.ingest.tables import ingest_table
from headrace.ingest.unchanged import Unchanged
from headrace.spec.expectations import between, not_null, unique
from headrace.spec.sources import File
from headrace.spec.tables import Entity, Pseudonym

from .conftest import KEY, NOW, collected

DELETED = col("op") == "d"
HEADER = "op,k,x,at,seen\n"


@pytest.fixture
def ingest(tmp_path):
    def run(text, **options):
        (tmp_path / "rows.csv").write_text(text)
        table = Entity("rows", source=File("rows.csv"), key="k", **options)
        raw = open_source(table.source, tmp_path)
        return collected(ingest_table(IngestRequest(table=table, raw=raw, now=NOW, pseudonym_key=KEY, scratch=tmp_path)))

    return run


def refused(found):
    return list(zip(found.quarantined["_arrival"], found.quarantined["_reason"], strict=True))


def test_the_rules_of_the_contract_are_not_for_deletes(ingest):
    rows = "u,a,1,2013-01-01,2013-01-01\nu,b,,2013-01-01,2013-01-01\nd,a,,2013-01-02,2013-01-02\nd,b,-9,2013-01-02,2013-01-02\n"
    found = ingest(HEADER + rows, time="at", known="seen", deleted=DELETED, expect=[not_null("x"), between("x", 0, 5), unique("k")])

    assert refused(found) == [(1, "not_null(x)")]
    assert found.accepted["_arrival"].to_list() == [0, 2, 3]
    assert {each.rule: each.failed for each in found.results}["unique(k)"] == 0


def test_a_unique_row_is_unique_among_those_that_are_there(ingest):
    found = ingest(HEADER + "u,a,1,,\nd,a,,,\nu,a,2,,\n", deleted=DELETED, expect=[unique("k")])

    assert refused(found) == [(2, "unique(k)")]


def test_a_delete_needs_a_moment_at_which_it_is_known_and_no_other(ingest):
    rows = "u,a,1,,2013-01-01\nd,a,,,2013-01-02\nd,a,,2013-01-02,\n"
    found = ingest(HEADER + rows, time="at", known="seen", deleted=DELETED)
    assert refused(found) == [(0, "time at is null"), (2, "seen of a delete is null")]
    assert found.accepted.select("k", "at", "seen").rows() == [("a", None, datetime(2013, 1, 2, tzinfo=NOW.tzinfo))]

    found = ingest(HEADER + rows, time="at", deleted=DELETED)
    assert refused(found) == [(0, "time at is null"), (1, "time at is null")]

    found = ingest(HEADER + rows, time="at", known="ingested", deleted=DELETED)
    assert refused(found) == [(0, "time at is null")]


def test_a_null_is_no_delete(ingest):
    found = ingest(HEADER + ",a,,2013-01-01,\n", time="at", deleted=DELETED, types={"op": "string"}, expect=[not_null("x")])

    assert refused(found) == [(0, "not_null(x)")]


def test_what_deletes_are_told_by_may_be_a_column_of_the_description(ingest):
    found = ingest(HEADER + "D,a,,,\n", columns={"gone": col("op").lower() == "d"}, deleted=col("gone"), expect=[not_null("x")])

    assert found.accepted["gone"].to_list() == [True]


@pytest.mark.parametrize(
    ("deleted", "said"),
    [(col("x") + 1, "deleted= of table 'rows' is int, not a yes or no"), (col("opp") == "d", "deleted= of table 'rows' names 'opp'")],
)
def test_what_is_no_condition_over_the_columns_is_refused(ingest, deleted, said):
    with pytest.raises(ColumnProblem, match=said) as caught:
        ingest(HEADER + "u,a,1,,\n", deleted=deleted)
    assert caught.value.remedy


def test_a_row_that_changes_nothing_is_a_duplicate(ingest):
    rows = "u,a,1,,\nu,b,1,,\nu,a,1,,\nu,a,2,,\nu,a,1,,\nu,b,1,,\n"
    found = ingest(HEADER + rows, personal={"k": Pseudonym()})

    assert found.duplicates == 2
    assert found.accepted["_arrival"].to_list() == [0, 1, 3, 4]


def test_rows_with_an_id_are_told_apart_by_it_alone(ingest):
    found = ingest("id,k,x\n1,a,1\n2,a,1\n2,a,3\n", id="id")

    assert found.accepted["_arrival"].to_list() == [0, 1]


def test_what_repeats_is_remembered_over_any_number_of_frames():
    rows = pl.DataFrame({"k": [number * 7 % 13 for number in range(400)], "x": [number // 120 for number in range(400)]})
    rows = rows.with_columns(_arrival=pl.int_range(400), _ingested=pl.lit(NOW))
    newest, expected = {}, []
    for key, x, *_ in rows.iter_rows():
        expected.append(newest.get(key) == x)
        newest[key] = x
    for size in (1, 7, 400):
        unchanged = Unchanged(["k"])
        told = [unchanged.repeated(rows[start : start + size]) for start in range(0, 400, size)]
        assert pl.concat(told).to_list() == expected
    assert Unchanged([]).repeated(rows).any() is False


def test_types_are_pinned_by_rows_that_are_there(ingest):
    found = ingest(HEADER + "u,a,1.5,,\nd,a,,,\n", deleted=DELETED, types={"x": "float"})

    assert found.types["x"] is DType.FLOAT
    assert found.quarantined.height == 0
