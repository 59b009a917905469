"""The baseline: the shares of the classes, or the mean, of the training rows."""

from typing import ClassVar

import numpy as np

from headrace.models.arrays import array_bytes
from headrace.models.artifact import Artifact
from headrace.training.budget import Budget
from headrace.training.dataset import Dataset
from headrace.training.trainer import Parameters, Progress


class BaselineTrainer:
    """Fits the constant family."""

    defaults: ClassVar[Parameters] = {}
    memory = b""

    def __init__(self, dataset: Dataset, seed: int = 0, threads: int = 1) -> None:  # noqa: ARG002 - nothing is drawn
        self._dataset = dataset

    def fit(self, parameters: Parameters, budget: Budget, progress: Progress) -> Artifact:  # noqa: ARG002 - it is done at once
        """See `Trainer.fit`."""
        data, target = self._dataset, self._dataset.train.target
        if data.task == "multiclass":
            values = np.bincount(target.astype(np.int64), minlength=len(data.classes)) / len(target)
        else:
            values = np.array([target.mean()])
        return data.artifact("constant", {"values.npy": array_bytes(values)}, {"trained_rows": len(target)})
