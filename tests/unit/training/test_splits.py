from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from headrace.spec.split import by_time, random
from headrace.training.errors import EmptyPart
from headrace.training.splits import (
    PURGED,
    TARGET_KNOWN_BEFORE,
    TARGET_NOT_FINITE,
    TARGET_NOT_KNOWN,
    TARGET_NULL,
    TEST,
    TIME_NULL,
    TRAIN,
    VALIDATION,
    SplitRows,
    split_rows,
)

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)


def moments(days):
    return pl.Series([None if day is None else START + day * DAY for day in days], dtype=pl.Datetime("us", "UTC"))


def ten_days(**changes):
    """One row a day, days 0 to 10; with 2 days of test and 3 of validation the boundaries are days 8 and 5."""
    fields = {"task": "regression", "target": pl.Series(np.arange(11.0)), "time": moments(range(11)), "target_known": moments(range(11))}
    return SplitRows(**fields | changes)


def test_the_newest_rows_are_the_test():
    parts = split_rows(by_time("3d", "2d"), ten_days(), seed=0)
    assert parts.part.to_list() == [TRAIN] * 5 + [VALIDATION] * 3 + [TEST] * 3
    assert parts.boundaries == {VALIDATION: START + 5 * DAY, TEST: START + 8 * DAY}
    assert parts.rows(VALIDATION).tolist() == [5, 6, 7]
    assert parts.counts() == {TRAIN: 5, VALIDATION: 3, TEST: 3}


def test_rows_near_a_boundary_are_purged_from_the_part_before_it():
    parts = split_rows(by_time("3d", "2d", purge="1d"), ten_days(), seed=0)
    assert parts.part.to_list() == [TRAIN] * 4 + [PURGED] + [VALIDATION] * 2 + [PURGED] + [TEST] * 3
    assert parts.left_out() == {PURGED: 2}


def test_a_row_whose_target_is_never_known_is_left_out_and_does_not_set_the_end():
    known = moments([*range(10), None])
    parts = split_rows(by_time("3d", "2d"), ten_days(target_known=known), seed=0)
    assert parts.boundaries[TEST] == START + 7 * DAY
    assert parts.part.to_list()[-1] == TARGET_NOT_KNOWN


def test_the_target_must_be_known_before_and_not_at_the_boundary():
    known = [0, 1, 2, 5, 4.999, 8, 6, 7, 20, 30, 40]
    parts = split_rows(by_time("3d", "2d"), ten_days(target_known=moments(known)), seed=0)
    assert parts.part.to_list() == [TRAIN] * 3 + [TARGET_NOT_KNOWN, TRAIN, TARGET_NOT_KNOWN] + [VALIDATION] * 2 + [TEST] * 3


def test_rows_without_a_target_or_a_time_are_left_out_and_counted():
    target = pl.Series([None, float("nan"), float("inf"), *range(3, 11)], dtype=pl.Float64, strict=False)
    time = moments([0, 1, 2, None, *range(4, 11)])
    parts = split_rows(by_time("3d", "2d"), ten_days(target=target, time=time), seed=0)
    assert parts.left_out() == {TARGET_NULL: 1, TARGET_NOT_FINITE: 2, TIME_NULL: 1}
    assert sum(parts.counts().values()) + sum(parts.left_out().values()) == 11


def test_rows_not_yet_labelled_do_not_set_the_end():
    target = pl.Series([*range(9), None, None], dtype=pl.Float64)
    parts = split_rows(by_time("3d", "2d"), ten_days(target=target), seed=0)
    assert parts.boundaries[TEST] == START + 6 * DAY


def test_a_part_without_rows_is_refused_with_the_counts():
    with pytest.raises(EmptyPart, match="no rows for train") as caught:
        split_rows(by_time("30d", "2d"), ten_days(), seed=0)
    assert "8 validation" in str(caught.value)
    with pytest.raises(EmptyPart, match="no row has both"):
        split_rows(by_time("3d", "2d"), ten_days(time=moments([None] * 11)), seed=0)


def test_a_table_without_rows_is_said_to_have_none():
    with pytest.raises(EmptyPart, match="no accepted rows") as caught:
        at_random(np.array([], dtype=float), "regression")
    assert "headrace show TABLE" in str(caught.value)
    with pytest.raises(EmptyPart, match="no accepted rows"):
        split_rows(by_time("3d", "2d"), SplitRows(task="regression", target=pl.Series([], dtype=pl.Float64), time=moments([])), seed=0)


def test_a_target_that_is_null_everywhere_is_said_to_be():
    with pytest.raises(EmptyPart, match="the target is null in all 11 rows"):
        split_rows(by_time("3d", "2d"), ten_days(target=pl.Series([None] * 11, dtype=pl.Float64)), seed=0)


def test_a_part_of_one_class_is_refused():
    target = pl.Series([True, False] * 4 + [True] * 3)
    with pytest.raises(EmptyPart, match="the target is true in all 3 test rows"):
        split_rows(by_time("3d", "2d"), ten_days(task="binary", target=target), seed=0)


def at_random(target, task, seed=0, order=None, stratify=True):
    order = np.arange(len(target)) if order is None else order
    rows = SplitRows(task=task, target=pl.Series(target)[order], arrival=pl.Series(order))
    return split_rows(random(0.2, 0.1, stratify=stratify), rows, seed)


def test_random_shares_are_the_same_in_each_class():
    labels = np.array(["common"] * 900 + ["rare"] * 100)
    parts = at_random(labels, "multiclass")
    assert parts.counts() == {TRAIN: 700, VALIDATION: 200, TEST: 100}
    assert {name: int((labels[parts.rows(name)] == "rare").sum()) for name in (TRAIN, VALIDATION, TEST)} == {
        TRAIN: 70,
        VALIDATION: 20,
        TEST: 10,
    }


def test_a_random_split_does_not_depend_on_row_order_but_on_the_seed():
    target = np.arange(300) % 3 == 0
    order = np.random.default_rng(5).permutation(300)
    straight, shuffled = at_random(target, "binary"), at_random(target, "binary", order=order)
    assert straight.part[order].to_list() == shuffled.part.to_list()
    assert straight.part.to_list() != at_random(target, "binary", seed=1).part.to_list()


def test_a_random_split_of_numbers_leaves_out_what_is_null():
    parts = at_random([None if i % 10 == 0 else float(i) for i in range(100)], "regression")
    assert parts.left_out() == {TARGET_NULL: 10}
    assert parts.counts() == {TRAIN: 63, VALIDATION: 18, TEST: 9}


def test_a_row_answered_before_it_was_asked_takes_no_part():
    known = moments([0.5, 1, 1.9, *range(3, 11)])  # the third was known before its question, at day 2
    parts = split_rows(by_time("3d", "2d"), ten_days(target_known=known), seed=0)
    assert parts.left_out() == {TARGET_KNOWN_BEFORE: 1}
    shuffled = split_rows(random(), ten_days(target_known=known, arrival=pl.Series(range(11))), seed=0)
    assert shuffled.part.to_list()[2] == TARGET_KNOWN_BEFORE
    with pytest.raises(EmptyPart, match="11 target known before the question"):
        split_rows(by_time("3d", "2d"), ten_days(time=moments(range(1, 12))), seed=0)
