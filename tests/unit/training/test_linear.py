import warnings

import numpy as np
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from headrace.models.predictor import load_predictor, score_frame
from headrace.spec.candidates import Logistic, Ridge
from headrace.training.dataset import build_dataset
from headrace.training.linear_design import learn_design
from headrace.training.splits import TRAIN, VALIDATION, Parts
from headrace.training.train import train_candidate

ESTIMATORS = {
    "binary": LogisticRegression(C=0.5, max_iter=300),
    "multiclass": LogisticRegression(C=0.5, max_iter=300),
    "regression": SklearnRidge(alpha=3.0),
}


def predicted(estimator, task, matrix):
    if task == "regression":
        return estimator.predict(matrix)
    scores = estimator.predict_proba(matrix)
    return scores[:, 1] if task == "binary" else scores


@pytest.mark.parametrize("task", ESTIMATORS)
def test_scores_are_scikit_learns(task, request_for):
    candidate = Ridge(alpha=3.0) if task == "regression" else Logistic(c=0.5)
    request = request_for(task, candidate)
    train = request.parts.rows(TRAIN)
    reference = make_pipeline(StandardScaler(), ESTIMATORS[task]).fit(request.features[train].to_numpy(), request.target[train].to_numpy())
    scores = score_frame(train_candidate(request).artifact, request.features)
    np.testing.assert_allclose(scores, predicted(reference, task, request.features.to_numpy()), rtol=2e-3, atol=2e-4)


def mixed(rows=600):
    """Numbers with nulls and texts with nulls and a rare level, and a target that hangs on all of them."""
    generator = np.random.default_rng(2)
    size, colour = generator.normal(5, 3, rows), generator.choice(["red", "blue", "green"], rows)
    colour[:3] = "rare"
    frame = pl.DataFrame({"size": size, "colour": colour}).with_columns(
        size=pl.when(pl.Series(generator.random(rows) < 0.2)).then(None).otherwise("size"),
        colour=pl.when(pl.Series(generator.random(rows) < 0.2)).then(None).otherwise("colour"),
    )
    raw = frame["size"].fill_null(9).to_numpy() + 4 * (frame["colour"] == "red").fill_null(False).to_numpy()
    return frame, pl.Series(raw + generator.normal(size=rows))


def test_imputing_and_one_hot_are_scikit_learns():
    features, target = mixed()
    parts = Parts(pl.Series([TRAIN] * 500 + [VALIDATION] * 100))
    dataset = build_dataset("regression", features, target, parts)
    design = learn_design(dataset.columns, dataset.train.matrix)
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True))
    scaled = ColumnTransformer([("z", StandardScaler(), [0])], remainder="passthrough")
    both = ColumnTransformer(
        [("n", make_pipeline(numbers, scaled), [0]), ("c", OneHotEncoder(min_frequency=5, handle_unknown="infrequent_if_exist"), [1])],
        sparse_threshold=0,
    )
    train = np.column_stack((features["size"].to_numpy(), features["colour"].fill_null("null").to_numpy())).astype(object)[:500]
    reference = both.fit_transform(train).astype(float)
    ours = design.matrix.toarray()
    assert ours.shape == reference.shape
    np.testing.assert_allclose(np.sort(ours, axis=1), np.sort(reference, axis=1), atol=1e-12)
    np.testing.assert_allclose(np.sort(ours.sum(axis=0)), np.sort(reference.sum(axis=0)), atol=1e-9)


def test_terms_are_centred_so_that_the_intercept_is_the_mean_score(request_for):
    features, target = mixed()
    parts = Parts(pl.Series([TRAIN] * 500 + [VALIDATION] * 100))
    artifact = train_candidate(request_for("regression", Ridge(alpha=1.0), features=features, target=target, parts=parts)).artifact
    dataset = build_dataset("regression", features, target, parts)
    contributions = load_predictor(artifact).contributions(dataset.train.matrix)
    np.testing.assert_allclose(contributions[:, :-1].mean(axis=0), 0.0, atol=1e-9)
    assert contributions[0, -1] == pytest.approx(dataset.train.target.mean())


def test_nulls_and_unknown_levels_get_sensible_scores(request_for):
    features, target = mixed()
    parts = Parts(pl.Series([TRAIN] * 500 + [VALIDATION] * 100))
    artifact = train_candidate(request_for("regression", Ridge(alpha=1.0), features=features, target=target, parts=parts)).artifact
    rows = pl.DataFrame({"size": [None, 5.0, 5.0], "colour": ["red", "rare", "mauve"]}, schema=features.schema)
    null, rare, unknown = score_frame(artifact, rows)
    assert null == pytest.approx(9 + 4, abs=1.0)
    assert rare == unknown == pytest.approx(5, abs=2.0)


@pytest.mark.parametrize("alpha", [0, 1.0])
def test_columns_that_say_nothing_say_nothing(alpha, request_for):
    features, target = mixed()
    useless = features.with_columns(
        same=pl.lit(0.1),
        empty=pl.lit(None, pl.Float64),
        silent=pl.lit(None, pl.String),
        twice=pl.col("size"),
        huge=pl.Series([1e308, -1e308] * 300),
    )
    parts = Parts(pl.Series([TRAIN] * 500 + [VALIDATION] * 100))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained = train_candidate(request_for("regression", Ridge(alpha=alpha), features=useless, target=target, parts=parts))
    predictor = load_predictor(trained.artifact)
    rows = build_dataset("regression", useless, target, parts).validation.matrix
    contributions = predictor.contributions(rows)
    np.testing.assert_allclose(contributions[:, [2, 3, 4]], 0.0, atol=1e-9)
    assert trained.validation.metrics["r2"].value > 0.8
