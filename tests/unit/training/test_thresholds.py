import numpy as np
import pytest

from headrace.spec.candidates import Outcomes
from headrace.training.thresholds import choose_threshold


def mean_cost(target, scores, threshold, costs):
    yes, true = scores >= threshold, target == 1
    total = (yes & true).sum() * costs.true_positive + (~yes & true).sum() * costs.false_negative
    return (total + (yes & ~true).sum() * costs.false_positive + (~yes & ~true).sum() * costs.true_negative) / len(target)


@pytest.mark.parametrize("seed", range(20))
def test_no_other_threshold_is_cheaper(seed):
    generator = np.random.default_rng(seed)
    target = (generator.random(60) < 0.4).astype(float)
    scores = np.round(np.clip(target * 0.2 + generator.random(60) * 0.8, 0, 1), 1)  # many ties
    costs = Outcomes(false_negative=generator.uniform(1, 10), false_positive=1, true_positive=generator.uniform(-2, 1))
    chosen = choose_threshold(target, scores, costs)
    tried = [mean_cost(target, scores, threshold, costs) for threshold in [*np.unique(scores), 2.0]]
    assert chosen.mean_cost == pytest.approx(min(tried))
    assert mean_cost(target, scores, chosen.value, costs) == pytest.approx(chosen.mean_cost)


def test_where_no_yes_pays_nothing_reaches_the_threshold():
    target, scores = np.zeros(3), np.array([0.1, 0.5, 1.0])
    assert choose_threshold(target, scores, Outcomes(false_negative=1, false_positive=1)).value > 1.0


def test_of_equally_cheap_thresholds_the_highest_is_taken():
    target, scores = np.array([1.0, 0.0]), np.array([0.2, 0.8])
    # deciding yes for both or for none costs 1 either way
    assert choose_threshold(target, scores, Outcomes(false_negative=1, false_positive=1)).value > 0.8


def test_a_threshold_lies_halfway_between_the_scores_it_parts():
    target, scores = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.3, 0.7, 0.9])
    assert choose_threshold(target, scores, Outcomes(false_negative=10, false_positive=1)).value == pytest.approx(0.5)


def test_neighbouring_doubles_are_parted_exactly():
    low, high = 0.5, float(np.nextafter(0.5, 1.0))
    assert choose_threshold(np.array([0.0, 1.0]), np.array([low, high]), Outcomes(false_negative=1, false_positive=1)).value == high
