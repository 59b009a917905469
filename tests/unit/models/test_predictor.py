import math
import subprocess
import sys
import threading

import numpy as np
import pytest

from headrace.models.artifact import FAMILIES
from headrace.models.encoder import Encoder
from headrace.models.errors import UnknownFamily
from headrace.models.predictor import PREDICTORS, load_predictor, score_frame

TASKS = ("binary", "multiclass", "regression")
KEYS = [(family, task) for family in FAMILIES for task in TASKS if (family, task) != ("hoeffding_tree", "regression")]


def wild_rows(artifact, features):
    """The training rows, and rows that training never saw."""
    matrix = Encoder(artifact.columns).encode_frame(features)
    extremes = np.array([np.full(matrix.shape[1], value) for value in (np.nan, -1.0, 0.0, 1e308, -1e308, np.inf, -np.inf)])
    return np.vstack((matrix, extremes))


@pytest.mark.parametrize("key", KEYS)
def test_a_row_scores_the_bits_of_its_matrix(key, artifacts, features):
    predictor = load_predictor(artifacts[key])
    matrix = wild_rows(artifacts[key], features)
    rows = np.array([predictor.score_row(vector) for vector in matrix.tolist()])
    assert rows.tobytes() == predictor.scores(matrix).tobytes()
    assert np.isfinite(rows).all()


@pytest.mark.parametrize("key", KEYS)
def test_scores_have_the_promised_shape(key, artifacts, features):
    artifact = artifacts[key]
    scores = score_frame(artifact, features)
    if artifact.task == "multiclass":
        assert scores.shape == (len(features), 3)
        np.testing.assert_allclose(scores.sum(axis=1), 1.0, rtol=1e-12)
        assert isinstance(load_predictor(artifact).score_row([0.0] * len(artifact.columns)), tuple)
    else:
        assert scores.shape == (len(features),)
        assert isinstance(load_predictor(artifact).score_row([0.0] * len(artifact.columns)), float)
    if artifact.task != "regression":
        surely = artifact.family == "hoeffding_tree"  # a leaf that saw one class alone is sure of it
        assert (((scores >= 0) & (scores <= 1)) if surely else ((scores > 0) & (scores < 1))).all()


@pytest.mark.parametrize("key", KEYS)
def test_contributions_sum_to_the_raw_score(key, artifacts, features):
    artifact = artifacts[key]
    predictor = load_predictor(artifact)
    matrix = Encoder(artifact.columns).encode_frame(features)
    contributions, scores = predictor.contributions(matrix), predictor.scores(matrix)
    outputs = (3,) if artifact.task == "multiclass" else ()
    assert contributions.shape == (len(matrix), *outputs, matrix.shape[1] + 1)
    raw = contributions.sum(axis=-1)
    if artifact.task == "binary":
        raw = 1 / (1 + np.exp(-raw))
    elif artifact.task == "multiclass":
        raw = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(raw, scores, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("key", KEYS)
def test_inputs_are_not_changed(key, artifacts, features):
    matrix = wild_rows(artifacts[key], features)
    before, vector = matrix.copy(), matrix[-3].tolist()
    predictor = load_predictor(artifacts[key])
    predictor.scores(matrix)
    predictor.contributions(matrix)
    predictor.score_row(vector)
    np.testing.assert_array_equal(vector, before[-3])
    np.testing.assert_array_equal(matrix, before)


@pytest.mark.parametrize("key", KEYS)
def test_no_rows_give_no_scores(key, artifacts):
    predictor = load_predictor(artifacts[key])
    nothing = np.empty((0, len(artifacts[key].columns)))
    assert len(predictor.scores(nothing)) == 0
    assert len(predictor.contributions(nothing)) == 0


def test_threads_that_score_at_once_do_not_disturb_each_other(artifacts, features):
    artifact = artifacts["lightgbm", "multiclass"]
    predictor, matrix = load_predictor(artifact), Encoder(artifact.columns).encode_frame(features)
    expected, wrong = predictor.scores(matrix), []

    def score(offset: int) -> None:
        for _ in range(5):
            for index in range(offset, len(matrix), 4):
                if predictor.score_row(matrix[index].tolist()) != tuple(expected[index]):
                    wrong.append(index)

    threads = [threading.Thread(target=score, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_unknown_family_is_refused_with_the_known_ones(artifacts):
    artifact = artifacts["constant", "binary"]
    with pytest.raises(UnknownFamily, match="linear"):
        load_predictor(type(artifact)(**{name: getattr(artifact, name) for name in artifact.__struct_fields__} | {"family": "liner"}))


def test_every_family_has_a_predictor():
    assert tuple(PREDICTORS) == FAMILIES


@pytest.mark.parametrize(("family", "name"), [("lightgbm", "model.txt"), ("hoeffding_tree", "tree.json")])
def test_scoring_loads_no_training_library(family, name, artifacts, tmp_path):
    artifact = artifacts[family, "binary"]
    (tmp_path / name).write_bytes(artifact.files[name])
    script = f"""
import json, sys
import numpy as np
from headrace.models.artifact import Artifact
from headrace.models.encoder import Encoder
from headrace.models.predictor import load_predictor
files = {{{name!r}: open({str(tmp_path / name)!r}, "rb").read()}}
artifact = Artifact.from_header({artifact.header()!r}, files)
row = dict.fromkeys(column.name for column in artifact.columns)
print(load_predictor(artifact).score_row(Encoder(artifact.columns).encode_row(row)))
heavy = {{"lightgbm", "river", "sklearn", "polars", "scipy", "optuna", "pandas"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    vector = [math.nan] * len(artifact.columns)
    assert float(done.stdout) == load_predictor(artifact).score_row(vector)
