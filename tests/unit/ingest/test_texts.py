from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from headrace.expressions import DType
from headrace.ingest.texts import infer_text, parse_text

ANY = frozenset({DType.BOOL, DType.INT, DType.FLOAT, DType.DATETIME})


def texts(*values):
    return pl.Series("x", values, pl.String)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("1", "-2", None), DType.INT),
        (("1", "2.5", "1e3", "nan"), DType.FLOAT),
        (("true", "FALSE"), DType.BOOL),
        (("0", "1"), DType.INT),
        (("007", "1"), DType.STRING),
        (("1.5", "007"), DType.STRING),
        (("99999999999999999999",), DType.STRING),
        (("0.5", "-0.25"), DType.FLOAT),
        (("2013-01-01", "2013-01-01 05:00", "2013-01-01T05:00:00.5+05:30"), DType.DATETIME),
        (("2013-13-01",), DType.STRING),
        ((" 1",), DType.STRING),
        (("1",) * 1500 + ("x",), DType.STRING),
        (("1",) * 1500 + ("1.5",), DType.FLOAT),
        ((None,), None),
        ((), None),
    ],
)
def test_the_narrowest_type_that_loses_nothing(values, kind):
    assert infer_text(texts(*values), ANY) is kind


def test_only_allowed_types_are_found():
    assert infer_text(texts("1"), frozenset({DType.DATETIME})) is DType.STRING


@pytest.mark.parametrize(
    ("kind", "values", "parsed"),
    [
        (DType.BOOL, ("True", "false", "1", "0", "yes", None), [True, False, True, False, None, None]),
        (DType.INT, ("1", "+5", "12.0", "1e3", "1.5", "x", "99999999999999999999"), [1, 5, 12, 1000, None, None, None]),
        (DType.FLOAT, ("1", "2.5", "x"), [1.0, 2.5, None]),
        (DType.STRING, ("x", None), ["x", None]),
        (
            DType.DATETIME,
            ("2013-01-01", "2013-01-01 05:00", "2013-01-01T05:00:00.000001Z", "2013-01-01T05:00:00+05:30", "2013-01-01T05:00-0100",
             "2013-02-30", "5"),
            [
                datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 1, 5, tzinfo=UTC), datetime(2013, 1, 1, 5, 0, 0, 1, tzinfo=UTC),
                datetime(2012, 12, 31, 23, 30, tzinfo=UTC), datetime(2013, 1, 1, 6, tzinfo=UTC), None, None,
            ],
        ),
        (
            DType.DURATION,
            ("1:02:03", "-00:00:01.5", "48:00:00", "1:60:00", "x"),
            [timedelta(hours=1, minutes=2, seconds=3), timedelta(seconds=-1.5), timedelta(days=2), None, None],
        ),
    ],
)  # fmt: skip
def test_texts_are_read_as_what_they_say_or_as_null(kind, values, parsed):
    found = parse_text(texts(*values), kind)

    assert found.to_list() == parsed
    assert found.name == "x"
