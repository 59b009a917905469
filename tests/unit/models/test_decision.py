import numpy as np

from headrace.models.decision import decide, decide_row

CLASSES = ("a", "b", "c")


def test_a_score_at_the_threshold_is_a_yes():
    scores = np.array([0.29, 0.3, 0.31])
    assert decide("binary", scores, 0.3).tolist() == [0, 1, 1]
    assert [decide_row("binary", ("false", "true"), score, 0.3) for score in scores.tolist()] == [False, True, True]


def test_of_equally_likely_classes_the_first_wins():
    scores = np.array([[0.2, 0.4, 0.4], [0.5, 0.0, 0.5], [0.1, 0.1, 0.8]])
    assert decide("multiclass", scores, 0.5).tolist() == [1, 0, 2]
    assert [decide_row("multiclass", CLASSES, tuple(row), 0.5) for row in scores.tolist()] == ["b", "a", "c"]


def test_a_number_is_its_own_decision():
    assert decide("regression", np.array([1.5]), 0.5).tolist() == [1.5]
    assert decide_row("regression", (), 1.5, 0.5) == 1.5
