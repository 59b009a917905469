import warnings

import numpy as np
import pytest
from sklearn import metrics

from headrace.stats import measures

ROWS = 500
GENERATOR = np.random.default_rng(3)
TARGET = (GENERATOR.random(ROWS) < 0.3).astype(float)
SCORES = np.round(np.clip(0.3 * TARGET + GENERATOR.random(ROWS) * 0.6, 0.01, 0.99), 2)  # rounded: many ties
DECISIONS = (SCORES >= 0.5).astype(float)
NUMBERS = GENERATOR.normal(size=ROWS)
GUESSES = NUMBERS + GENERATOR.normal(size=ROWS)
CLASSES = GENERATOR.integers(0, 4, ROWS).astype(float)
PROBABILITIES = GENERATOR.dirichlet(np.ones(4), ROWS)
GUESSED = PROBABILITIES.argmax(axis=1).astype(float)
WEIGHTS = {"ones": np.ones(ROWS), "drawn": np.bincount(GENERATOR.integers(0, ROWS, ROWS), minlength=ROWS).astype(float)}

CASES = {
    "average_precision": (measures.average_precision, TARGET, SCORES, metrics.average_precision_score),
    "roc_auc": (measures.roc_auc, TARGET, SCORES, metrics.roc_auc_score),
    "brier": (measures.brier, TARGET, SCORES, metrics.brier_score_loss),
    "log_loss": (measures.log_loss, TARGET, SCORES, metrics.log_loss),
    "log_loss of classes": (measures.log_loss, CLASSES, PROBABILITIES, metrics.log_loss),
    "accuracy": (measures.accuracy, TARGET, DECISIONS, metrics.accuracy_score),
    "accuracy of classes": (measures.accuracy, CLASSES, GUESSED, metrics.accuracy_score),
    "precision": (measures.precision, TARGET, DECISIONS, metrics.precision_score),
    "recall": (measures.recall, TARGET, DECISIONS, metrics.recall_score),
    "f1": (measures.f1, TARGET, DECISIONS, metrics.f1_score),
    "macro_f1": (measures.macro_f1, CLASSES, GUESSED, lambda *args, **kwargs: metrics.f1_score(*args, average="macro", **kwargs)),
    "rmse": (measures.rmse, NUMBERS, GUESSES, metrics.root_mean_squared_error),
    "mae": (measures.mae, NUMBERS, GUESSES, metrics.mean_absolute_error),
    "r2": (measures.r2, NUMBERS, GUESSES, metrics.r2_score),
}


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", CASES)
def test_every_measure_is_scikit_learns(name, weights):
    measure, target, predicted, reference = CASES[name]
    weight = WEIGHTS[weights]
    assert measure(target, predicted)(weight) == pytest.approx(reference(target, predicted, sample_weight=weight), rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_a_weight_is_so_many_copies(name):
    measure, target, predicted, _ = CASES[name]
    copies = np.repeat(np.arange(ROWS), WEIGHTS["drawn"].astype(int))
    repeated = measure(target[copies], predicted[copies])(np.ones(len(copies)))
    assert measure(target, predicted)(WEIGHTS["drawn"]) == pytest.approx(repeated, rel=1e-12)


def test_every_metric_has_its_measure():
    from headrace.spec.metrics import METRICS

    assert set(measures.OF_SCORES) | set(measures.OF_DECISIONS) == set(METRICS)


def test_what_is_undefined_is_nan_and_warns_of_nothing():
    one, none = np.ones(3), np.zeros(3)
    scores = np.array([0.1, 0.2, 0.3])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(measures.average_precision(none, scores)(one))
        assert np.isnan(measures.roc_auc(one, scores)(one))
        assert np.isnan(measures.recall(none, one)(one))
        assert np.isnan(measures.f1(none, none)(one))
        assert np.isnan(measures.r2(one, scores)(one))
        assert np.isnan(measures.rmse(one, scores)(none))


def test_precision_is_zero_when_nothing_is_decided_positive():
    assert measures.precision(np.ones(3), np.zeros(3))(np.ones(3)) == 0.0


def test_a_class_that_the_model_does_not_know_had_no_chance():
    known = np.array([[0.5, 0.5]])
    assert measures.log_loss(np.array([-1.0]), known)(np.ones(1)) == pytest.approx(-np.log(np.finfo(float).eps))
    assert measures.macro_f1(np.array([0.0, -1.0]), np.array([0.0, 0.0]))(np.ones(2)) == pytest.approx((2 / 3 + 0) / 2)


def test_certain_and_wrong_is_a_finite_loss():
    assert np.isfinite(measures.log_loss(np.array([1.0]), np.array([0.0]))(np.ones(1)))
