from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from headrace.expressions import DType
from headrace.models.artifact import ModelColumn
from headrace.training.columns import MOST_LEVELS, check_feature_types, learn_columns
from headrace.training.errors import UnsuitableFeature


def test_kinds_follow_types_and_levels_their_frequency():
    frame = pl.DataFrame(
        {"n": [1, 2, 3, None], "x": [0.5] * 4, "b": [True, None, False, True], "s": ["z", "b", "z", "a"], "none": [None] * 4}
    )
    assert learn_columns(frame) == (
        ModelColumn("n", "numeric"),
        ModelColumn("x", "numeric"),
        ModelColumn("b", "boolean"),
        ModelColumn("s", "categorical", ("z", "a", "b")),
        ModelColumn("none", "numeric"),
    )


def test_the_most_frequent_levels_are_kept():
    values = [f"v{number:05}" for number in range(MOST_LEVELS + 5)]
    (column,) = learn_columns(pl.DataFrame({"s": [*values, values[-1], None, None, None]}))
    assert column.categories == (values[-1], *values[: MOST_LEVELS - 1])


def test_moments_and_durations_are_refused_with_what_to_write_instead():
    with pytest.raises(UnsuitableFeature, match=r"col\('at'\)\.hour\(\)"):
        check_feature_types({"n": DType.INT, "at": DType.DATETIME})
    with pytest.raises(UnsuitableFeature, match="total_minutes"):
        check_feature_types({"late": DType.DURATION})
    with pytest.raises(UnsuitableFeature, match="type datetime"):
        learn_columns(pl.DataFrame({"at": [datetime(2024, 1, 1, tzinfo=UTC)]}))
    with pytest.raises(UnsuitableFeature, match="total_minutes"):
        learn_columns(pl.DataFrame({"late": [timedelta(minutes=1)]}))
    check_feature_types({"b": DType.BOOL, "n": DType.INT, "x": DType.FLOAT, "s": DType.STRING})


@pytest.mark.parametrize("name", ["rows", "level", "_n"])
def test_a_feature_may_be_called_anything(name):
    assert learn_columns(pl.DataFrame({name: ["b", "a", "b"]})) == (ModelColumn(name, "categorical", ("b", "a")),)
