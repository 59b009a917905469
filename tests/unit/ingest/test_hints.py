"""What is said of columns of texts: which option would read them."""

import polars as pl
import pytest

from headrace.ingest.dialect import Dialect
from headrace.ingest.hints import TextSurvey, say_hints

NUMBERS = [f"{number}" for number in range(40)]


def survey(*values, known=None, chunk=1000, personal=()):
    found = TextSurvey(["x"], personal, known or Dialect())
    texts = pl.Series("x", values, pl.String).to_frame()
    for start in range(0, max(texts.height, 1), chunk):
        found.see(texts.slice(start, chunk), start)
    return found.hints()


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ((*NUMBERS, "n/a"), {"null_values": ("n/a",)}),
        ((*NUMBERS, " - ", "?", None), {"null_values": (" - ", "?")}),
        (("1,5", "22,25"), {"decimal": ","}),
        (("1.234,5", "0,5", "12"), {"decimal": ",", "thousands": "."}),
        (("1,234.5", "0.5", "1,000"), {"thousands": ","}),
        (("1 234", "12"), {"thousands": " "}),
        (("1 234,5", "12"), {"decimal": ",", "thousands": " "}),
        (("1'234.50", "12"), {"thousands": "'"}),
        ((*(f"{number},5" for number in range(40)), "NA"), {"decimal": ",", "null_values": ("NA",)}),
        (("31/12/2024", "01/02/2024"), {"dates": {"x": "%d/%m/%Y"}}),
        (("12/31/2024", "01/02/2024"), {"dates": {"x": "%m/%d/%Y"}}),
        (("31.12.2024 18:30", "01.02.2024 06:00"), {"dates": {"x": "%d.%m.%Y %H:%M"}}),
        ((*["31-12-2024"] * 30, "n/a"), {"dates": {"x": "%d-%m-%Y"}, "null_values": ("n/a",)}),
        (("2024/12/31",), {"dates": {"x": "%Y/%m/%d"}}),
        (("Oct 11 2002", "May 05 1998"), {"dates": {"x": "%b %d %Y"}}),
        (("October 11, 2002", "May 5, 1998"), {"dates": {"x": "%B %d, %Y"}}),
        (("11-Oct-02", "5-May-98"), {"dates": {"x": "%d-%b-%y"}}),
    ],
)
def test_the_option_to_write_is_said(values, options):
    (hint,) = survey(*values)

    assert hint.options == options
    assert all(f"{name}=" in hint.said for name in options)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("1,234", "5,678"), "may be decimal marks (decimal=',') or stand between thousands (thousands=',')"),
        (("01/02/2024", "03/04/2024"), "dates={'x': '%d/%m/%Y'} or dates={'x': '%m/%d/%Y'}; find out which"),
    ],
)
def test_what_may_be_meant_in_two_ways_is_never_guessed(values, said):
    (hint,) = survey(*values)

    assert not hint.options
    assert said in hint.said


@pytest.mark.parametrize("values", [("ann", "bob"), ("NA", "n/a"), (None,), (), ("007", "008"), ("1", "ann", "bob")])
def test_texts_that_are_texts_get_no_hint(values):
    assert survey(*values) == []


def test_a_text_late_in_the_file_is_told_with_its_row():
    (hint,) = survey(*NUMBERS * 100, "n/a", *NUMBERS, "n/a", chunk=300)
    assert "usually null: 'n/a' (2, the first in row 4,001)" in hint.said

    (hint,) = survey(*NUMBERS * 100, "soon", chunk=300)
    assert not hint.options
    assert hint.said == (
        "4,000 texts are numbers; not so: 'soon' (1, the first in row 4,001);"
        " to set aside the rows of those that are not: types={'x': 'float'}"
    )


def test_a_column_that_turns_into_texts_gets_no_hint():
    assert survey(*NUMBERS * 10, *(f"name {number}" for number in range(30)), chunk=100) == []


def test_values_of_personal_columns_are_not_told():
    (hint,) = survey(*NUMBERS * 10, "ann", personal=["x"])
    assert "ann" not in hint.said
    assert "row 401" in hint.said


def test_hints_are_results_that_nothing_breaks():
    (result,) = say_hints(survey(*NUMBERS, "n/a"))
    assert (result.rule, result.severity, result.passed, result.checked) == ("x is text", "info", True, 40)
