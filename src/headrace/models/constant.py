"""The baseline: the same score for every row."""

import numpy as np
from numpy.typing import NDArray

from headrace.models.arrays import load_array
from headrace.models.artifact import Artifact
from headrace.models.errors import BrokenArtifact


class ConstantPredictor:
    """Scores every row with `values.npy`: the share of true, the shares of the classes, or the mean."""

    def __init__(self, artifact: Artifact) -> None:
        values = load_array(artifact, "values.npy")
        self._task = artifact.task
        if values.shape != (max(len(artifact.classes), 1) if artifact.task == "multiclass" else 1,):
            raise BrokenArtifact(artifact.family, "values.npy", f"has the shape {values.shape}")
        self._values = values
        self._row = tuple(values.tolist()) if artifact.task == "multiclass" else float(values[0])

    def scores(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Predictor.scores`."""
        return np.tile(self._values, (len(matrix), 1)) if self._task == "multiclass" else np.full(len(matrix), self._values[0])

    def score_row(self, vector: list[float]) -> float | tuple[float, ...]:  # noqa: ARG002 - the same whatever the row holds
        """See `Predictor.score_row`."""
        return self._row

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nothing for each column; the bias is the whole score, as log-odds or logarithms of the shares."""
        n, p = matrix.shape
        if self._task == "multiclass":
            result = np.zeros((n, len(self._values), p + 1))
            result[:, :, -1] = np.log(self._values)
            return result
        share = self._values[0]
        result = np.zeros((n, p + 1))
        result[:, -1] = share if self._task == "regression" else np.log(share / (1.0 - share))
        return result
