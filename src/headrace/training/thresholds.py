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
    """Return a threshold of least cost among all that differ on these rows, halfway between the scores that it parts.

    Halfway, as any place between two scores costs the same here and the middle is the safest for rows yet unseen. Of equally cheap
    places the highest is taken: the fewest decisions to act.
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
    return Threshold(_between(ranking.thresholds, best), float(total[best] / len(target)))


def _between(descending: NDArray[np.float64], above: int) -> float:
    """Return a threshold that exactly the first `above` of the distinct scores reach."""
    if above == 0:
        return float(np.nextafter(descending[0], np.inf))
    reached = float(descending[above - 1])
    if above == len(descending):
        return reached
    middle = (reached + float(descending[above])) / 2
    return middle if middle > descending[above] else reached  # neighbouring doubles have no middle
