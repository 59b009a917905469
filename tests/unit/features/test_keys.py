"""Numbers for keys."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from headrace.features.keys import ColumnNumbers, Distinct, Keys, Offset, numbering

DAY, NEXT = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dtype", "values", "asked", "same"),
    [
        (pl.String, ["b", "a", None, "b", ""], ["a", "z", None, "b", "", "z"], [1, None, None, 0, 4, None]),
        (pl.Int64, [7, -(2**62), None, 7], [-(2**62), 8, None, 7, 0], [1, None, None, 0, None]),
        (pl.Int64, [2**63 - 1, -(2**63), 0], [0, 2**63 - 1, -(2**63), 1], [2, 0, 1, None]),
        (pl.Float64, [0.5, 0.0, None], [0.0, 0.25, None, 0.5], [1, None, None, 0]),
        (pl.Float64, [-1.0, 1.0], [1.0, -1.0, 2.0], [1, 0, None]),
        (pl.Boolean, [True, None, False], [False, None, True], [2, None, 0]),
        (pl.Datetime("us", "UTC"), [NEXT, DAY], [DAY, None], [1, None]),
        (pl.String, [None], ["a", None], [None, None]),
        (pl.Int64, [], [0, None], [None, None]),
    ],
)
def test_equal_values_have_equal_numbers_and_null_has_none(dtype, values, asked, same):
    numbers = ColumnNumbers(pl.Series(values, dtype=dtype))
    found = numbers.find(pl.Series(asked, dtype=dtype)).tolist()
    assert found == [-1 if row is None else numbers.rows[row] for row in same]
    assert [number == -1 for number in numbers.rows] == [value is None for value in values]
    assert max(numbers.rows, default=-1) < numbers.size
    assert numbers.find(pl.Series(values, dtype=dtype)).tolist() == numbers.rows.tolist()


@pytest.mark.parametrize("most", [1 << 20, 3])
def test_keys_of_several_columns_are_equal_where_all_columns_are(monkeypatch, most):
    monkeypatch.setattr("headrace.features.keys._DENSE", most)
    rng = np.random.default_rng(5)
    table, asked = (
        [pl.Series([None if pick == 4 else f"v{pick}" for pick in rng.integers(0, 5, rows)]) for _ in range(3)] for rows in (60, 200)
    )
    columns = [ColumnNumbers(column) for column in table]
    keys = Keys(columns)
    found = keys.find([numbers.find(column) for numbers, column in zip(columns, asked, strict=True)])
    known = dict(zip(zip(*table, strict=True), keys.rows.tolist(), strict=True))
    for key, number in zip(zip(*asked, strict=True), found.tolist(), strict=True):
        if None in key:
            assert number == -1
        elif key in known:
            assert number == known[key]
        else:  # a number that no row has, though it may be below the size
            assert number not in known.values() or number == -1
    distinct = {key for key in known if None not in key}
    assert len({known[key] for key in distinct}) == len(distinct)
    assert all((0 <= number < keys.size) == (None not in key) for key, number in known.items())


def test_places_among_distinct_integers():
    distinct = Distinct(np.array([5, 3, 5, 9]))
    assert (distinct.size, distinct.find(np.array([9, 3, 4, 10, 5])).tolist()) == (3, [2, 0, -1, -1, 1])
    assert Distinct(np.array([], np.int64)).find(np.array([1])).tolist() == [-1]


def test_integers_close_together_are_numbered_by_how_far_they_are():
    near, far = numbering(np.array([-3, 4, -3])), numbering(np.array([0, 1 << 40]))
    assert isinstance(near, Offset)
    assert isinstance(far, Distinct)
    asked = np.array([-3, 4, -4, 5, 2**63 - 1, -(2**63)])
    assert near.find(asked).tolist() == [0, 7, -1, -1, -1, -1]
    assert numbering(np.array([2**63 - 1, 2**63 - 2])).find(asked).tolist() == [-1, -1, -1, -1, 1, -1]
