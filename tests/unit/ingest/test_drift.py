"""What is said of columns that come with values of another type."""

import polars as pl
import pytest

from headrace.expressions import DType
from headrace.ingest.dialect import Dialect
from headrace.ingest.drift import DriftSurvey


def drift(kind, *chunks, personal=()):
    survey, rows = DriftSurvey({"x": kind}, personal, Dialect()), 0
    for present, failed in chunks:
        survey.see("x", present, pl.Series("x", failed, pl.String), pl.int_range(rows + 1, rows + 1 + len(failed), eager=True))
        rows += present
    return survey.results()


def test_without_failures_nothing_is_said():
    assert drift(DType.INT, (100, []), (50, [])) == []


@pytest.mark.parametrize(
    ("kind", "failed", "remedy"),
    [
        (DType.INT, ["1.5", "2.5"], 'evolve=hr.Evolve(widen="accept")'),
        (DType.INT, ["1.5", "soon"], "types={'x': 'string'}"),
        (DType.FLOAT, ["n/a", "n/a", "-"], "null_values=['n/a', '-']"),
        (DType.FLOAT, ["n/a", "soon"], "types={'x': 'string'}"),
        (DType.DATETIME, ["NULL"], "null_values=['NULL']"),
    ],
)
def test_the_remedy_fits_what_was_found(kind, failed, remedy):
    (result,) = drift(kind, (100, failed))

    assert remedy in result.detail
    assert (result.rule, result.severity, result.failed, result.checked) == (f"type of x is {kind}", "warn", len(failed), 100)


def test_a_column_most_of_which_changed_is_said_to_have_changed():
    (result,) = drift(DType.FLOAT, (3, []), (4, ["a", "b", "a", "c"]), (3, ["d", "e"]))

    assert result.rule == "type of x has changed from float"
    assert result.detail.startswith("6 of 10 values: 'a' (2, the first in row 4), 'b' (1, the first in row 5), 'c'")


def test_values_of_personal_columns_are_not_told():
    (result,) = drift(DType.INT, (10, ["ann", "bob"]), personal=["x"])
    assert result.detail.startswith("2 of 10 values: 2, the first in row 1;")


def test_many_different_values_are_counted_but_not_kept():
    (result,) = drift(DType.INT, (1000, [f"name {number}" for number in range(500)]), (1000, ["name 1"]))
    assert result.detail.startswith("501 of 2,000 values: 'name 0' (1, the first in row 1)")
    assert result.detail.count("name") < 5
