"""Where a probability becomes a decision."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headrace.spec.candidates import Outcomes
from headrace.stats.measures import Ranking


class Threshold(NamedTuple):
    """Decide yes when the score reaches `value`. `mean_cost` is what a decision then costs on average, on the rows it was chosen on."""

    value: float
    mean_cost: float


def choose_threshold(target: NDArray[np.float64], scores: NDArray[np.float64], costs: Outcomes) -> Threshold:
    """Return the threshold of least cost among all that differ on these rows: each distinct score, and one above them all.

    Of equally cheap ones the highest is taken: the fewest decisions to act.
    """
    ranking = Ranking(target, scores)
    hits, false = ranking.counts(np.ones(len(target)))
    hits, false = np.concatenate(([0.0], hits)), np.concatenate(([0.0], false))
    positives, negatives = hits[-1], false[-1]
    total = (
        hits * costs.true_positive
        + (positives - hits) * costs.false_negative
        + false * costs.false_positive
        + (negatives - false) * costs.true_negative
    )
    best = int(np.argmin(total))
    value = np.nextafter(ranking.thresholds[0], np.inf) if best == 0 else ranking.thresholds[best - 1]
    return Threshold(float(value), float(total[best] / len(target)))
