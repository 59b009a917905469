"""Predictors: score an artifact, a matrix or a row at a time, with the same bits."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from headrace.models.artifact import Artifact
from headrace.models.constant import ConstantPredictor
from headrace.models.encoder import Encoder
from headrace.models.errors import UnknownFamily
from headrace.models.hoeffding import HoeffdingPredictor
from headrace.models.lightgbm import LightGbmPredictor
from headrace.models.linear import LinearPredictor

if TYPE_CHECKING:  # a server encodes rows only, and never loads Polars
    import polars as pl

Score = float | tuple[float, ...]
"""The score of one row: a probability, one for each class, or a number."""


class Predictor(Protocol):
    """Scores encoded rows. Thread safe; inputs are not changed."""

    def scores(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of a matrix (n, p): binary (n,) probabilities of true, multiclass (n, k) probabilities, regression (n,)."""
        ...

    def score_row(self, vector: list[float]) -> Score:
        """Return the score of one encoded row of p numbers, bit for bit what `scores` gives: a float, or for multiclass a tuple of k."""
        ...

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what each column adds to the raw score, the bias last: (n, p + 1), multiclass (n, k, p + 1).

        Rows sum to the raw score: log-odds for binary, what the softmax is taken of for multiclass, the score itself for regression.
        """
        ...


PREDICTORS: dict[str, Callable[[Artifact], Predictor]] = {
    "constant": ConstantPredictor,
    "linear": LinearPredictor,
    "hoeffding_tree": HoeffdingPredictor,
    "lightgbm": LightGbmPredictor,
}


def score_frame(artifact: Artifact, frame: "pl.DataFrame") -> NDArray[np.float64]:
    """Return the scores of feature rows, in their order; see `Predictor.scores`."""
    return load_predictor(artifact).scores(Encoder(artifact.columns).encode_frame(frame))


def load_predictor(artifact: Artifact) -> Predictor:
    """Return the predictor of an artifact. No code of the artifact is executed.

    Raises:
        UnknownFamily: if this version cannot score the family.
        BrokenArtifact: if a file is missing or wrong.
        LibraryFault: if LightGBM's shared library cannot be used.
    """
    if artifact.family not in PREDICTORS:
        raise UnknownFamily(artifact.family, PREDICTORS)
    return PREDICTORS[artifact.family](artifact)
