"""From a score to the decision: one rule for evaluation and for serving."""

import numpy as np
from numpy.typing import NDArray


def decide(task: str, scores: NDArray[np.float64], threshold: float) -> NDArray[np.float64] | NDArray[np.int64]:
    """Return decisions (n,): binary 1 where the score reaches the threshold, multiclass the likeliest class's code, regression the scores.

    Of equally likely classes the first wins.
    """
    if task == "binary":
        return (scores >= threshold).astype(np.int64)
    return scores.argmax(axis=1) if task == "multiclass" else scores


def decide_row(task: str, classes: tuple[str, ...], score: float | tuple[float, ...], threshold: float) -> bool | str | float:
    """Return the decision of one score: true or false, a class label, or the number; the same as `decide`."""
    if isinstance(score, tuple):
        return classes[score.index(max(score))]
    return score >= threshold if task == "binary" else score
