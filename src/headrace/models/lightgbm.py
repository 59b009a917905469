"""Gradient-boosted trees: LightGBM's own text, scored by its shared library."""

import numpy as np
from numpy.typing import NDArray

from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.errors import BrokenArtifact
from headrace.models.lightgbm_library import CONTRIBUTION, PROBABILITY, Booster

MODEL_FILE = "model.txt"


def tree_codes(columns: tuple[ModelColumn, ...], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix as the trees see it: a categorical column's other levels share the next code after its own, null has the one after.

    LightGBM itself would treat both as missing and never split them off.
    """
    result = np.array(matrix, dtype=np.float64)
    for index, column in enumerate(columns):
        if column.kind == "categorical":
            values, other = result[:, index], float(len(column.categories))
            values[values < 0] = other
            values[np.isnan(values)] = other + 1
    return result


class LightGbmPredictor:
    """Scores `model.txt`."""

    def __init__(self, artifact: Artifact) -> None:
        try:
            text = artifact.file(MODEL_FILE).decode()
        except UnicodeDecodeError as error:
            raise BrokenArtifact(artifact.family, MODEL_FILE, f"is not text ({error})") from error
        self._task, self._columns = artifact.task, artifact.columns
        self._outputs = len(artifact.classes) if artifact.task == "multiclass" else 1
        self._booster = Booster(text, len(artifact.columns), self._outputs)
        self._levels = tuple(
            (index, float(len(column.categories))) for index, column in enumerate(artifact.columns) if column.kind == "categorical"
        )

    def scores(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Predictor.scores`."""
        result = self._booster.predict(tree_codes(self._columns, matrix), PROBABILITY)
        return result if self._task == "multiclass" else result[:, 0]

    def score_row(self, vector: list[float]) -> float | tuple[float, ...]:
        """See `Predictor.score_row`."""
        if self._levels:
            vector = vector.copy()
            for index, other in self._levels:
                code = vector[index]
                if not code >= 0:
                    vector[index] = other if code < 0 else other + 1
        result = self._booster.predict_row(vector)
        return result if self._task == "multiclass" else result[0]

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Predictor.contributions`: TreeSHAP (Lundberg et al., 2018), as LightGBM computes it."""
        result = self._booster.predict(tree_codes(self._columns, matrix), CONTRIBUTION)
        return result.reshape(len(matrix), self._outputs, len(self._columns) + 1) if self._task == "multiclass" else result
