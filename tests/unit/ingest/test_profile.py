from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest

from headrace.expressions import DType
from headrace.ingest.profile import TableProfile, ValueCount, profile_table


def test_each_column_is_described_by_its_kind():
    profile = profile_table(
        pl.LazyFrame(
            {
                "n": [1, 2, 3, 4, None],
                "x": [0.5, float("nan"), float("inf"), 1.5, None],
                "word": ["b", "a", "b", "c", None],
                "yes": [True, True, False, None, None],
                "at": [datetime(2013, 1, 1, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC), None, None, None],
                "took": [timedelta(seconds=1), timedelta(seconds=3), None, None, None],
            }
        )
    )

    n, x, word, yes, at, took = profile.columns
    assert profile.rows == 5
    assert (n.type, n.nulls, n.distinct, n.min, n.max, n.mean, n.quantiles[3]) == (DType.INT, 1, 4, 1, 4, 2.5, 2.5)
    assert n.std == pytest.approx((5 / 3) ** 0.5)
    assert (x.nulls, x.not_finite, x.min, x.max, x.mean) == (1, 2, 0.5, 1.5, 1.0)
    assert word.top == (ValueCount("b", 2), ValueCount("a", 1), ValueCount("c", 1))
    assert (word.distinct, word.min, word.quantiles) == (3, "a", ())
    assert yes.top == (ValueCount(True, 2), ValueCount(False, 1))
    assert (at.min, at.max, at.mean) == ("2013-01-01T00:00:00+00:00", "2014-01-01T00:00:00+00:00", None)
    assert (took.min, took.max, took.mean, took.quantiles[3]) == (1.0, 3.0, 2.0, 2.0)


def test_a_profile_goes_through_json_and_back():
    profile = profile_table(
        pl.DataFrame({"n": [1, None], "word": ["é", None], "at": [datetime(2013, 1, 1, tzinfo=UTC), None], "x": [float("nan"), None]})
    )

    assert msgspec.json.decode(msgspec.json.encode(profile), type=TableProfile) == profile
    assert profile.column("word").distinct == 1
    with pytest.raises(KeyError):
        profile.column("nope")


def test_a_table_without_rows_or_columns_has_a_profile():
    empty = profile_table(pl.DataFrame({"n": [1], "word": ["x"]}).clear())

    assert [(column.distinct, column.min, column.mean, column.top, column.quantiles) for column in empty.columns] == [
        (0, None, None, (), ())
    ] * 2
    assert profile_table(pl.DataFrame()) == TableProfile(0, ())


def test_only_the_ten_commonest_are_listed_ties_by_value():
    words = [f"w{number:02}" for number in range(30)] + ["w20"]
    profile = profile_table(pl.DataFrame({"word": words[::-1]}))

    assert [each.value for each in profile.columns[0].top] == ["w20", *(f"w{number:02}" for number in range(9))]
