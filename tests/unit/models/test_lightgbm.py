import os
import subprocess
import sys

import lightgbm
import numpy as np
import pytest

from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.encoder import Encoder
from headrace.models.errors import BrokenArtifact, LibraryFault
from headrace.models.lightgbm import LightGbmPredictor, tree_codes


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_scores_are_those_of_lightgbms_own_package(task, artifacts, features):
    artifact = artifacts["lightgbm", task]
    matrix = Encoder(artifact.columns).encode_frame(features)
    booster = lightgbm.Booster(model_str=artifact.files["model.txt"].decode())
    codes = tree_codes(artifact.columns, matrix)
    predictor = LightGbmPredictor(artifact)
    np.testing.assert_array_equal(predictor.scores(matrix), booster.predict(codes))
    own = booster.predict(codes, pred_contrib=True).reshape(predictor.contributions(matrix).shape)
    np.testing.assert_array_equal(predictor.contributions(matrix), own)


def test_other_levels_and_null_have_codes_of_their_own():
    columns = (ModelColumn("size", "numeric"), ModelColumn("colour", "categorical", ("red", "blue")))
    matrix = np.array([[-1.0, 1.0], [np.nan, -1.0], [0.5, np.nan]])
    np.testing.assert_array_equal(tree_codes(columns, matrix), [[-1.0, 1.0], [np.nan, 2.0], [0.5, 3.0]])


def text_model(text: bytes, width: int = 1) -> Artifact:
    columns = tuple(ModelColumn(f"c{index}", "numeric") for index in range(width))
    return Artifact(task="binary", family="lightgbm", columns=columns, classes=("false", "true"), files={"model.txt": text}, details={})


def test_a_text_that_is_no_model_is_refused():
    with pytest.raises(LibraryFault, match="LightGBM"):
        LightGbmPredictor(text_model(b"nonsense"))


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(BrokenArtifact, match="not text"):
        LightGbmPredictor(text_model(b"\xff\xfe"))


def test_a_model_of_other_columns_is_refused(artifacts):
    with pytest.raises(LibraryFault, match="6 columns, its artifact says 2"):
        LightGbmPredictor(text_model(artifacts["lightgbm", "binary"].files["model.txt"], width=2))


def test_threads_that_wait_for_each_other_sleep_unless_somebody_wants_them_not_to() -> None:
    code = (
        "import os; from headrace.models.lightgbm_library import load_library; before = os.environ.get('OMP_WAIT_POLICY'); load_library();"
        "print(before, os.environ['OMP_WAIT_POLICY'])"
    )
    own = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    told = [
        subprocess.run([sys.executable, "-c", code], env=own | more, check=True, capture_output=True, text=True).stdout.split()
        for more in ({}, {"OMP_WAIT_POLICY": "active"})
    ]
    assert told == [["None", "passive"], ["active", "active"]]
