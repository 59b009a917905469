import msgspec
import numpy as np
import pytest

from headrace.models.arrays import array_bytes
from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.errors import BrokenArtifact
from headrace.models.linear import FARTHEST, LevelTerm, LinearPredictor, NumericTerm

COLUMNS = (ModelColumn("size", "numeric"), ModelColumn("colour", "categorical", ("red", "blue", "rare")))
TERMS = (NumericTerm(fill=2.0, center=1.0, scale=0.5), LevelTerm(levels=2))
WEIGHTS = np.array([[3.0], [0.1], [0.7], [10.0], [20.0], [30.0], [40.0]])


def linear(weights=WEIGHTS, terms=TERMS, **files):
    parts = {
        "design.json": msgspec.json.encode(terms),
        "weights.npy": array_bytes(weights),
        "intercept.npy": array_bytes(np.array([100.0])),
    }
    return Artifact(task="regression", family="linear", columns=COLUMNS, classes=(), files=parts | files, details={})


@pytest.mark.parametrize(
    ("size", "colour", "expected"),
    [
        (1.5, 0, 100 + 3 * 1.0 + 0.1 + 10),
        (np.nan, 1, 100 + 3 * 2.0 + 0.7 + 20),
        (1.0, 2, 100 + 0.1 + 30),
        (1.0, -1, 100 + 0.1 + 30),
        (1.0, np.nan, 100 + 0.1 + 40),
        (np.inf, 0, 100 + 3 * 2.0 + 0.7 + 10),
        (1e300, 0, 100 + 3 * FARTHEST + 0.1 + 10),
    ],
)
def test_each_term_adds_what_the_design_says(size, colour, expected):
    vector = np.array([size, colour], dtype=np.float64)
    predictor = LinearPredictor(linear())
    assert predictor.score_row([size, colour]) == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(predictor.contributions(vector[None]).sum(), expected, rtol=1e-12)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(BrokenArtifact, match="shape"):
        LinearPredictor(linear(weights=WEIGHTS[1:]))


def test_a_design_for_other_columns_is_refused():
    with pytest.raises(BrokenArtifact, match="1 term for 2 columns"):
        LinearPredictor(linear(terms=TERMS[:1]))


def test_a_design_that_is_no_json_is_refused():
    with pytest.raises(BrokenArtifact, match=r"design\.json"):
        LinearPredictor(linear(**{"design.json": b"{"}))
