"""A contract's rules: titles, columns, severities and what they refuse."""

from datetime import timedelta

import pytest

from headrace.expressions import col
from headrace.spec import expectations
from headrace.spec.errors import InvalidOption


@pytest.mark.parametrize(
    ("rule", "title", "columns"),
    [
        (expectations.not_null("a", "b"), "not_null(a, b)", {"a", "b"}),
        (expectations.between("a", 1, 2.5), "between(a, 1, 2.5)", {"a"}),
        (expectations.between("a", "a", "c"), "between(a, a, c)", {"a"}),
        (expectations.one_of("a", ["x", "y"]), "one_of(a, ['x', 'y'])", {"a"}),
        (expectations.matches("a", "[A-Z]+"), "matches(a, [A-Z]+)", {"a"}),
        (expectations.check("later", col("a") <= col("b")), "later", {"a", "b"}),
        (expectations.unique(["a", "b"]), "unique(a, b)", {"a", "b"}),
        (expectations.fresh("2d"), "fresh(2d)", set()),
        (expectations.rows(1, 9), "rows(1, 9)", set()),
    ],
)
def test_titles_and_columns(rule, title, columns):
    assert rule.title == title
    assert rule.columns == columns
    assert rule.location.file == __file__


def test_default_severities():
    assert expectations.not_null("a").severity == "quarantine"
    assert expectations.fresh("1d").severity == "warn"
    assert expectations.fresh("1d").max_age == timedelta(days=1)
    assert expectations.rows(1).severity == "stop"


def test_rows_can_be_quarantined_and_tables_cannot():
    with pytest.raises(InvalidOption, match=r"the severity of fresh\(1d\) cannot be 'quarantine'") as raised:
        expectations.fresh("1d", severity="quarantine")
    assert raised.value.remedy == "Expected one of warn, stop."
    with pytest.raises(InvalidOption, match="the severity of") as raised:
        expectations.not_null("a", severity="error")
    assert raised.value.remedy == "Expected one of warn, quarantine, stop."


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: expectations.not_null(), "the columns of not_null"),
        (lambda: expectations.between("a", 2, 1), r"the range of between\('a'\) cannot be \(2, 1\)"),
        (lambda: expectations.between("a", "x", 1), r"the range of between\('a'\)"),
        (lambda: expectations.one_of("a", []), r"the choices of one_of\('a'\)"),
        (lambda: expectations.matches("a", "("), r"the pattern of matches\('a'\)"),
        (lambda: expectations.unique([]), "the columns of unique"),
        (lambda: expectations.rows(5, 2), r"the range of rows\(\) cannot be \(5, 2\)"),
        (lambda: expectations.rows(-1), r"the range of rows\(\)"),
    ],
)
def test_what_no_row_could_meet_is_refused(declare, message):
    with pytest.raises(InvalidOption, match=message):
        declare()
