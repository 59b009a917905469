"""Values that a person may want to judge."""

from datetime import UTC, datetime

import polars as pl
import pytest

from headrace.ingest import repeats
from headrace.ingest.findings import find_oddities
from headrace.ingest.profile import profile_table

N = 100


def found(columns, **options):
    frame = pl.DataFrame(columns)
    return find_oddities([frame.head(40), frame.slice(40)], profile_table(frame), **options)


def of_column(columns, **options):
    return {each.kind: each for each in found({"row": [f"r{n}" for n in range(len(next(iter(columns.values()))))], **columns}, **options)}


def test_numbers_far_from_the_others_are_outliers():
    (finding,) = of_column({"x": [*range(N - 1), 10_000]}).values()

    assert (finding.column, finding.kind, finding.rows, finding.examples) == ("x", "outliers", 1, ("10000",))
    assert finding.advice == "expect=[hr.between('x', -123.75, 222.75)] sets their rows aside"
    assert of_column({"x": list(range(N))}) == {}


def test_a_long_tail_is_no_outlier():
    assert "outliers" not in of_column({"x": [*range(80), *(1000 + n for n in range(20))]})


@pytest.mark.parametrize(
    ("values", "rows", "example", "advice"),
    [
        ([*range(N), -999, -999], 2, "-999", "columns={'x': hr.when(col('x') != -999).then(col('x'))}"),
        ([*(n / 2 for n in range(N)), 9999.0], 1, "9999", "hr.when(col('x') != 9999.0)"),
        ([*(f"w{n}" for n in range(N)), "unknown", " - "], 2, "'unknown'", "null_values=['unknown']"),
        ([*(f"w{n}" for n in range(N)), "0000-00-00"], 1, "'0000-00-00'", "null_values=['0000-00-00']"),
        ([*(datetime(2024, 1, 1, n % 24, tzinfo=UTC) for n in range(N)), datetime(1900, 1, 1, tzinfo=UTC)], 1, "1900-01-01",
         "hr.datetime_of(1900, 1, 1)"),
    ],
)  # fmt: skip
def test_values_that_usually_stand_for_null(values, rows, example, advice):
    finding = of_column({"x": values})["placeholder"]

    assert (finding.rows, finding.examples[0]) == (rows, example)
    assert advice in finding.advice


def test_spellings_and_blanks():
    kinds = of_column({"x": ["Berlin"] * 90 + ["berlin"] * 6 + ["Berlin "] * 4})

    assert (kinds["spellings"].rows, kinds["spellings"].examples) == (10, ("'Berlin' = 'berlin' = 'Berlin '",))
    assert (kinds["blanks"].rows, kinds["blanks"].examples) == (4, ("'Berlin '",))
    assert of_column({"x": ["a", "b"] * 50}) == {}


def test_a_column_that_never_changes():
    kinds = of_column({"x": [7] * N})
    assert (kinds["constant"].rows, kinds["constant"].examples) == (N, ("7",))
    assert of_column({"x": [7, None] * 50}) == {}


def test_of_personal_columns_nothing_is_told():
    assert of_column({"x": [*range(N), -999]}, personal=["x"]) == {}


def rows(*last):
    return {
        "id": [*range(N), *(1000 + n for n in range(len(last)))],
        "name": [f"name {n}" for n in range(N)] + [name for name, _ in last],
        "paid": [n * 1.25 for n in range(N)] + [paid for _, paid in last],
        "fee": [n / 7 for n in range(N)] + [round(paid / 1.25) / 7 for _, paid in last],
    }


def test_rows_alike_but_for_their_id():
    (finding,) = found(rows(("name 3", 3.75)), identity=["id"])
    assert (finding.kind, finding.rows, finding.examples) == ("repeated rows", 1, ("rows 4 and 101",))


def test_rows_alike_but_for_case_blanks_punctuation_and_last_digits():
    (finding,) = found(rows(("NAME-3", 3.75), ("name  5.", 6.2500001)), identity=["id"])
    assert (finding.kind, finding.rows, finding.examples) == ("near-duplicate rows", 2, ("rows 4 and 101", "rows 6 and 102"))
    assert found(rows(("name 3", 5.0)), identity=["id"]) == ()


def test_repeats_that_few_values_make_inevitable_are_none():
    assert found({"x": [n % 2 == 0 for n in range(N)], "y": [n % 3 == 0 for n in range(N)]}) == ()


def test_of_too_many_rows_a_part_is_kept_and_counted_for_all(monkeypatch):
    monkeypatch.setattr(repeats, "_MOST_KEPT", 1000)  # a bound made small
    count = 20_000
    frame = pl.DataFrame({"x": [f"v{n % (count // 2)}" for n in range(count)], "y": [n % (count // 2) / 7 for n in range(count)]})

    (finding,) = find_oddities([frame[n : n + 3000] for n in range(0, count, 3000)], profile_table(frame))
    assert finding.kind == "repeated rows"
    assert finding.rows == pytest.approx(count / 2, rel=0.2)
