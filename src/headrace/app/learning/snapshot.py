"""What a model has learnt in the stream by some moment, as it lies in the store until it is a version on record."""

from datetime import datetime

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from headrace.core.fingerprints import fingerprint

ASKED, KNOWN, TARGET = "_asked", "_known", "_target"
_SCORE = "_score"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A learner as it was at a boundary: all that belongs before it was done, and nothing after it.

    Attributes:
        number: one more than that of the snapshot before.
        parent_version: the number of the version that the learner began from.
        clock: the boundary; since: the boundary of the snapshot before, or where the learner began.
        learned: how many rows it has learnt, those of its training among them; learned_since: since `since`.
        unasked: how many of these were learnt without a score, for they came when the moment that they ask about was over.
        files: those of its artifact.
        questions: the rows that were scored before they were learnt, learnt since `since`, in the order in which they were learnt, as
            `lake.frames.frame_bytes` keeps them: `_arrival`, `_asked`, `_known`, `_target` (as the table has it) and what the learner
            said, see `scores`.
        features: their features, row by row the same.
        given: likewise the given columns that are no features; empty if there is none.
    """

    model: str
    number: int
    parent_version: int
    clock: datetime
    since: datetime
    learned: int
    learned_since: int
    unasked: int
    files: dict[str, bytes]
    questions: bytes
    features: bytes
    given: bytes = b""

    @property
    def id(self) -> str:
        """The same for a snapshot however often it is made."""
        return fingerprint("snapshot", self.model, self.parent_version, self.clock.isoformat())


def score_columns(scores: NDArray[np.float64]) -> dict[str, pl.Series]:
    """Return scores (n,), or (n, classes), as columns: see `scores`."""
    if scores.ndim == 1:
        return {_SCORE: pl.Series(scores)}
    return {f"{_SCORE}_{code}": pl.Series(scores[:, code]) for code in range(scores.shape[1])}


def scores(questions: pl.DataFrame) -> NDArray[np.float64]:
    """Return what was said of questions: (n,) for yes or no, else (n, classes)."""
    if _SCORE in questions.columns:
        return questions[_SCORE].to_numpy()
    return questions.select(name for name in questions.columns if name.startswith(f"{_SCORE}_")).to_numpy()
