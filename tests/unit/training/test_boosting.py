import lightgbm
import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, root_mean_squared_error

from headrace.models.predictor import score_frame
from headrace.spec.candidates import GradientBoosting
from headrace.training.budget import Caps
from headrace.training.splits import TEST, TRAIN, VALIDATION, Parts
from headrace.training.train import train_candidate

FIXED = GradientBoosting(num_leaves=7, learning_rate=0.1, min_child_samples=10, reg_lambda=1.0, rounds=200)
OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}


def plain_lightgbm(request):
    """The same model by the library's own interface, with its own early stopping."""
    matrix, classes = request.features.to_numpy(), sorted(request.target.unique().to_list()) if request.task == "multiclass" else []
    labels = np.array([classes.index(label) for label in request.target]) if classes else request.target.cast(float).to_numpy()
    parameters = {
        "objective": OBJECTIVES[request.task], "num_leaves": 7, "learning_rate": 0.1, "min_child_samples": 10, "reg_lambda": 1.0,
        "verbosity": -1, "seed": 5, "deterministic": True, "force_row_wise": True, "num_threads": 1, "feature_pre_filter": False,
    } | ({"num_class": len(classes)} if classes else {})  # fmt: skip
    train, validation = (
        lightgbm.Dataset(matrix[rows], labels[rows]) for rows in (request.parts.rows(TRAIN), request.parts.rows(VALIDATION))
    )
    validation.set_reference(train)
    stop = lightgbm.early_stopping(30, verbose=False)
    booster = lightgbm.train(parameters, train, 200, valid_sets=[validation], callbacks=[stop])
    return booster, booster.predict(matrix, num_iteration=booster.best_iteration)


@pytest.mark.parametrize("task", OBJECTIVES)
def test_scores_are_plain_lightgbms(task, request_for):
    request = request_for(task, FIXED)
    booster, expected = plain_lightgbm(request)
    trained = train_candidate(request)
    assert trained.artifact.details["rounds"] == booster.best_iteration
    np.testing.assert_allclose(score_frame(trained.artifact, request.features), expected, rtol=1e-12)


def test_scores_do_not_depend_on_the_number_of_threads(request_for):
    generator = np.random.default_rng(0)
    features = pl.DataFrame(generator.normal(size=(25_000, 3)), schema=["a", "b", "c"])
    target = features["a"] * features["b"] + pl.Series(generator.normal(size=25_000))
    parts = Parts(pl.Series([TRAIN] * 21_000 + [VALIDATION] * 4_000))
    changes = {"features": features, "target": target, "parts": parts, "caps": Caps(trials=1, seconds=60)}
    one, two = (train_candidate(request_for("regression", FIXED, threads=threads, **changes)) for threads in (1, 2))
    assert b"num_threads: 2" in two.artifact.files["model.txt"]
    np.testing.assert_array_equal(score_frame(one.artifact, features), score_frame(two.artifact, features))


def colours(rows=900):
    """A number that hangs on a level, or on its being null, and on nothing else."""
    generator = np.random.default_rng(4)
    colour = pl.Series("colour", generator.choice(["red", "blue", "green"], rows)).set(pl.Series(generator.random(rows) < 0.25), None)
    target = colour.replace_strict({"red": 1.0, "blue": 5.0, "green": 9.0}, default=20.0)
    return pl.DataFrame({"colour": colour}), target


def test_levels_and_null_are_learnt(request_for):
    features, target = colours()
    parts = Parts(pl.Series([TRAIN] * 600 + [VALIDATION] * 200 + [TEST] * 100))
    trained = train_candidate(request_for("regression", FIXED, features=features, target=target, parts=parts))
    scores = score_frame(trained.artifact, pl.DataFrame({"colour": ["red", "blue", "green", None]}))
    np.testing.assert_allclose(scores, [1, 5, 9, 20], atol=0.5)


def test_columns_that_say_nothing_do_no_harm(request_for):
    request = request_for("multiclass", FIXED)
    useless = request.features.with_columns(same=pl.lit(0.1), empty=pl.lit(None, pl.Float64), silent=pl.lit(None, pl.String))
    alone, beside = (train_candidate(request_for("multiclass", FIXED, features=each)) for each in (request.features, useless))
    np.testing.assert_array_equal(score_frame(alone.artifact, useless), score_frame(beside.artifact, useless))


def test_the_value_of_the_best_trial_is_scikit_learns(request_for):
    """Both kinds of score are computed by scikit-learn, so that an error in our own metrics cannot hide one here."""
    for task, score in (("multiclass", log_loss), ("regression", root_mean_squared_error)):
        request = request_for(task, GradientBoosting())
        rows = request.parts.rows(VALIDATION)
        trained = train_candidate(request)
        measured = score(request.target[rows].to_numpy(), score_frame(trained.artifact, request.features[rows]))
        assert measured == pytest.approx(min(trial.value for trial in trained.trials))
        assert measured <= trained.trials[0].value
