"""Laws of splits: parts never overlap, every row is accounted for, nothing is learnt from the future."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headrace.spec.split import ByTime, Random
from headrace.training.errors import EmptyPart
from headrace.training.splits import PARTS, REASONS, TEST, TRAIN, VALIDATION, SplitRows, split_rows

START = datetime(2024, 1, 1, tzinfo=UTC)
HOURS = st.integers(0, 200)
TASKS = {"binary": st.booleans(), "multiclass": st.sampled_from("abc"), "regression": st.floats(-1e6, 1e6)}
ANCHORS = {"binary": (True, False), "multiclass": ("a", "b"), "regression": (1.0, 2.0)}
DTYPES = {"binary": pl.Boolean, "multiclass": pl.String, "regression": pl.Float64}
MOMENT = pl.Datetime("us", "UTC")


def hours(number):
    return timedelta(hours=number)


def moments(numbers):
    return pl.Series([None if number is None else START + hours(number) for number in numbers], dtype=MOMENT)


@st.composite
def timed_rows(draw):
    """Any rows, and two of each part at least, so that no part is empty."""
    task = draw(st.sampled_from(sorted(TASKS)))
    test, purge = draw(st.integers(1, 60)), draw(st.integers(0, 20))
    split = ByTime(validation=hours(draw(st.integers(purge + 2, purge + 60))), test=hours(test), purge=hours(purge))
    row = st.tuples(st.none() | TASKS[task], st.none() | HOURS, st.none() | st.integers(0, 60))
    anchors = [(target, time, 0) for target in ANCHORS[task] for time in (200, 199 - test - purge, 0)]
    drawn = draw(st.permutations(draw(st.lists(row, max_size=30)) + anchors))
    target = pl.Series([target for target, _, _ in drawn], dtype=DTYPES[task])
    known = moments([None if time is None or delay is None else time + delay for _, time, delay in drawn])
    return split, SplitRows(task=task, target=target, time=moments([time for _, time, _ in drawn]), target_known=known)


@settings(max_examples=200, deadline=None)
@given(timed_rows())
def test_by_time_nothing_is_learnt_from_the_future(drawn):
    split, rows = drawn
    parts = split_rows(split, rows, seed=0)
    frame = pl.DataFrame({"part": parts.part, "time": rows.time, "known": rows.target_known, "target": rows.target})
    assert sum(parts.counts().values()) + sum(parts.left_out().values()) == len(frame)
    assert set(frame["part"]) <= {*PARTS, *REASONS}
    assert len(np.unique(np.concatenate([parts.rows(name) for name in PARTS]))) == sum(parts.counts().values())
    used = frame.filter(pl.col("part").is_in(PARTS))
    assert used.null_count().sum_horizontal().item() == 0
    for earlier, later in ((TRAIN, VALIDATION), (TRAIN, TEST), (VALIDATION, TEST)):
        before, after = used.filter(part=earlier), used.filter(part=later)
        assert before["time"].max() < after["time"].min() - split.purge
        assert before["known"].max() < after["time"].min()
    assert used["time"].max() - used.filter(part=TEST)["time"].min() <= split.test


@settings(max_examples=200, deadline=None)
@given(timed_rows())
def test_by_time_no_row_is_left_out_without_its_reason(drawn):
    split, rows = drawn
    parts = split_rows(ByTime(validation=split.validation, test=split.test, purge=timedelta(0)), rows, seed=0)
    lost = parts.left_out()
    labelled = rows.target.is_not_null() & rows.time.is_not_null() & rows.target_known.is_not_null()
    assert "purged" not in lost
    assert lost.get("target_null", 0) == rows.target.null_count()
    late = (rows.target_known >= parts.boundaries[TEST]) & (rows.time < parts.boundaries[TEST])
    early = (rows.target_known >= parts.boundaries[VALIDATION]) & (rows.time < parts.boundaries[VALIDATION])
    assert sum(parts.counts().values()) == int((labelled & ~(late | early)).sum())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.none() | st.sampled_from("ab"), max_size=80), st.floats(0.2, 0.4), st.floats(0.2, 0.4),
    st.integers(0, 2**31), st.booleans(), st.randoms(use_true_random=False),
)  # fmt: skip
def test_at_random_every_labelled_row_has_one_part_whatever_the_order(drawn, validation, test, seed, stratify, shuffler):
    split, labels = Random(validation=validation, test=test, stratify=stratify), drawn + list("ab" * 5)
    target = pl.Series(labels, dtype=pl.String)
    rows = SplitRows(task="multiclass", target=target, arrival=pl.Series(range(len(labels))))
    try:
        parts = split_rows(split, rows, seed)
    except EmptyPart:
        assume(stratify)  # only chance can leave the train rows with one class
        raise
    assert sum(parts.counts().values()) == target.len() - target.null_count()
    order = list(range(len(labels)))
    shuffler.shuffle(order)
    again = split_rows(split, SplitRows(task="multiclass", target=target[order], arrival=pl.Series(order)), seed)
    assert again.part.to_list() == parts.part[order].to_list()
    for label in "ab" if stratify else ():
        count = labels.count(label)
        held = sum(1 for part, each in zip(parts.part, labels, strict=True) if each == label and part == TEST)
        assert abs(held - count * test) <= 0.5 + 1e-9
