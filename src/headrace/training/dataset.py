"""Rows as the trainers take them: encoded, with the columns and classes learnt on the training rows alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.encoder import Encoder
from headrace.training.columns import learn_columns
from headrace.training.moments import Moments
from headrace.training.splits import TRAIN, VALIDATION, Parts
from headrace.training.tasks import encode_target, learn_classes


@dataclass(frozen=True)
class EncodedRows:
    """A matrix (n, p) and its target (n,)."""

    matrix: NDArray[np.float64]
    target: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Train and validation rows of one model, in order of arrival. The test rows are not here: no trainer can see them.

    `moments` are those of the train rows; without them each is asked about, and then its answer known, as it arrives.
    """

    task: str
    columns: tuple[ModelColumn, ...]
    classes: tuple[str, ...]
    train: EncodedRows
    validation: EncodedRows
    moments: Moments | None = None

    def artifact(self, family: str, files: dict[str, bytes], details: dict[str, Any]) -> Artifact:
        """Return an artifact of a model trained on these rows."""
        return Artifact(task=self.task, family=family, columns=self.columns, classes=self.classes, files=files, details=details)


def build_dataset(task: str, features: pl.DataFrame, target: pl.Series, parts: Parts, moments: Moments | None = None) -> Dataset:
    """Encode the train and validation rows of features, target and moments, which are as long as the parts.

    Raises:
        UnsuitableFeature: for a column that models do not take.
        UnsuitableTarget: for a binary target that holds more than 0 and 1.
    """
    train, validation = parts.rows(TRAIN), parts.rows(VALIDATION)
    columns = learn_columns(features[train])
    classes = learn_classes(task, target[train])
    encoder = Encoder(columns)

    def encoded(rows: NDArray[np.int64]) -> EncodedRows:
        return EncodedRows(encoder.encode_frame(features[rows]), encode_target(task, classes, target[rows]))

    known = None if moments is None else moments.take(train)
    return Dataset(task=task, columns=columns, classes=classes, train=encoded(train), validation=encoded(validation), moments=known)
