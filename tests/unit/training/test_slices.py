import numpy as np
import polars as pl

from headrace.training.slices import groups_of


def sizes(column):
    groups = groups_of(column)
    assert sorted(np.concatenate([rows for _, rows in groups])) == list(range(len(column)))
    return {group: len(rows) for group, rows in groups}


def test_each_value_is_a_group_the_largest_first_and_null_too():
    groups = groups_of(pl.Series("c", ["b", "a", None, "b", "a", "b"]))
    assert [(group, rows.tolist()) for group, rows in groups] == [("b", [0, 3, 5]), ("a", [1, 4]), ("null", [2])]
    assert sizes(pl.Series("c", [True, False, True])) == {"true": 2, "false": 1}


def test_many_numbers_become_quartiles():
    assert sizes(pl.Series("n", [*range(1, 101), None])) == {"up to 25": 25, "25 to 50": 25, "50 to 75": 25, "above 75": 25, "null": 1}


def test_many_texts_keep_the_most_frequent():
    values = [f"v{i:02}" for i in range(80)] + ["v79"] * 5 + [None]
    counted = sizes(pl.Series("s", values))
    assert counted["v79"] == 6
    assert counted["other"] == 31
    assert counted["null"] == 1
    assert len(counted) == 51


def test_a_column_may_be_called_anything():
    values = [f"v{i:02}" for i in range(80)]
    assert [sizes(pl.Series(name, values))["other"] for name in ("rows", "group", "_n")] == [31] * 3
