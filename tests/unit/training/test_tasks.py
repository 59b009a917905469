import re

import polars as pl
import pytest

from headrace.expressions import DType
from headrace.training.errors import UnsuitableTarget
from headrace.training.tasks import encode_target, infer_task, learn_classes


@pytest.mark.parametrize(
    ("dtype", "declared", "metric", "task"),
    [
        (DType.BOOL, None, "roc_auc", "binary"),
        (DType.STRING, None, "macro_f1", "multiclass"),
        (DType.INT, None, "rmse", "regression"),
        (DType.FLOAT, None, "mae", "regression"),
        (DType.INT, "multiclass", "log_loss", "multiclass"),
        (DType.INT, "binary", "f1", "binary"),
    ],
)
def test_the_type_says_the_task_unless_it_is_declared(dtype, declared, metric, task):
    assert infer_task(dtype, declared, metric) == task


@pytest.mark.parametrize(
    ("dtype", "declared", "metric", "said"),
    [
        (DType.DATETIME, None, "rmse", "type datetime"),
        (DType.STRING, "regression", "rmse", "regression.*string"),
        (DType.STRING, "binary", "roc_auc", "== 'yes'"),
        (DType.FLOAT, "binary", "roc_auc", "float"),
        (DType.INT, None, "roc_auc", "task="),
        (DType.BOOL, None, "rmse", "average_precision"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_remedy(dtype, declared, metric, said):
    with pytest.raises(UnsuitableTarget) as caught:
        infer_task(dtype, declared, metric)
    assert re.search(said, str(caught.value))


def test_classes_are_sorted_numbers_as_numbers():
    assert learn_classes("multiclass", pl.Series(["b", None, "a", "b"])) == ("a", "b")
    assert learn_classes("multiclass", pl.Series([10, 9, 10])) == ("9", "10")
    assert learn_classes("binary", pl.Series([True, False])) == ("false", "true")
    assert learn_classes("regression", pl.Series([1.0])) == ()


def test_a_binary_target_of_other_numbers_is_refused():
    with pytest.raises(UnsuitableTarget, match="holds 2"):
        encode_target("binary", ("false", "true"), pl.Series([0, 1, 2]))


def test_targets_become_numbers():
    assert encode_target("binary", ("false", "true"), pl.Series([True, False])).tolist() == [1.0, 0.0]
    assert encode_target("multiclass", ("9", "10"), pl.Series([10, 9, 11])).tolist() == [1.0, 0.0, -1.0]
    assert encode_target("regression", (), pl.Series([3])).tolist() == [3.0]
