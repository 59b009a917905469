"""Laws of scorers: whatever the row, it scores the bits that its frame scores, and its contributions add up."""

import functools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from headrace.models.encoder import Encoder
from headrace.models.predictor import load_predictor
from headrace.spec.candidates import Baseline, GradientBoosting, Logistic, Ridge
from headrace.spec.split import random
from headrace.training.budget import Caps
from headrace.training.splits import SplitRows, split_rows
from headrace.training.train import TrainRequest, train_candidate

SCHEMA = {"size": pl.Float64, "count": pl.Int64, "flag": pl.Boolean, "colour": pl.String}
METRICS = {"binary": "brier", "multiclass": "log_loss", "regression": "mae"}
CANDIDATES = {"constant": Baseline(), "linear": Logistic(), "lightgbm": GradientBoosting(min_child_samples=5, rounds=30)}
ROW = st.fixed_dictionaries(
    {
        "size": st.none() | st.floats(allow_nan=True, allow_infinity=True),
        "count": st.none() | st.integers(-(2**63), 2**63 - 1),
        "flag": st.none() | st.booleans(),
        "colour": st.none() | st.sampled_from(["red", "blue", "", "mauve"]) | st.text(max_size=3),
    }
)


@functools.cache
def scorer(family, task):
    generator = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "size": generator.normal(size=300),
            "count": generator.integers(0, 9, 300),
            "flag": generator.random(300) < 0.5,
            "colour": generator.choice(["red", "blue", ""], 300),
        }
    ).with_columns(pl.when(pl.Series(generator.random(300) < 0.9)).then(pl.all()).name.keep())
    raw = frame["size"].fill_null(1.0) + (frame["colour"] == "red").fill_null(False).cast(float)
    target = {"binary": raw > 0.3, "multiclass": (raw.clip(-1, 2)).round().cast(pl.Int64), "regression": raw}[task]
    parts = split_rows(random(), SplitRows(task=task, target=target, arrival=pl.Series(range(300))), 0)
    candidate = Ridge() if (family, task) == ("linear", "regression") else CANDIDATES[family]
    request = TrainRequest(
        candidate=candidate,
        task=task,
        metric=METRICS[task],
        features=frame,
        target=target,
        parts=parts,
        caps=Caps(trials=1, seconds=30),
        seed=0,
    )
    artifact = train_candidate(request).artifact
    return artifact.family, Encoder(artifact.columns), load_predictor(artifact)


@pytest.mark.parametrize("task", METRICS)
@pytest.mark.parametrize("family", CANDIDATES)
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=6))
def test_a_row_scores_the_bits_of_its_frame(family, task, rows):
    trained, encoder, predictor = scorer(family, task)
    assert trained == family
    matrix = encoder.encode_frame(pl.DataFrame(rows, schema=SCHEMA))
    vectors = np.array([encoder.encode_row(row) for row in rows])
    np.testing.assert_array_equal(vectors, matrix)
    scores = predictor.scores(matrix)
    assert np.isfinite(scores).all()
    assert np.array([predictor.score_row(vector) for vector in vectors.tolist()]).tobytes() == scores.tobytes()
    raw = predictor.contributions(matrix).sum(axis=-1)
    linked = {"binary": special.expit, "multiclass": lambda each: special.softmax(each, axis=1), "regression": lambda each: each}[task](raw)
    np.testing.assert_allclose(linked, scores, rtol=1e-7, atol=1e-12)
