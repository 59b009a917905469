"""A small real bundle: a linear model on a number and a category."""

import msgspec
import numpy as np
import pytest

from headrace.bundles.keys import load_or_create_signing_key
from headrace.bundles.manifest import FeatureField, GivenField
from headrace.bundles.parts import BundleParts, Golden
from headrace.bundles.writing import write_bundle
from headrace.expressions import DType
from headrace.models.arrays import array_bytes
from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.encoder import Encoder
from headrace.models.predictor import load_predictor

ROWS = [{"size": None if n % 7 == 0 else n / 3, "colour": ("red", "blue", "green", None)[n % 4]} for n in range(60)]


def linear_artifact(task="binary", outputs=1, classes=("false", "true")):
    design = [{"type": "numeric", "fill": 2.0, "center": 1.0, "scale": 2.0}, {"type": "levels", "levels": 2}]
    weights = np.random.default_rng(3).normal(size=(7, outputs))
    files = {
        "design.json": msgspec.json.encode(design),
        "weights.npy": array_bytes(weights),
        "intercept.npy": array_bytes(np.zeros(outputs)),
    }
    columns = (ModelColumn("size", "numeric"), ModelColumn("colour", "categorical", ("red", "blue")))
    return Artifact(task=task, family="linear", columns=columns, classes=classes, files=files, details={"c": 0.5})


def batch_scores(artifact, rows=ROWS):
    encoder = Encoder(artifact.columns)
    return load_predictor(artifact).scores(np.stack([encoder.encode_row(row) for row in rows]))


def bundle_parts(artifact, **changes):
    parts = {
        "project": "paint", "model": "late", "version": "late-3", "artifact": artifact, "plan": {"format": 1}, "threshold": 0.4,
        "given": (GivenField("size", DType.FLOAT), GivenField("who", DType.STRING, personal=True)),
        "features": (FeatureField("size", DType.FLOAT), FeatureField("colour", DType.STRING)),
        "golden": Golden(ROWS, batch_scores(artifact)), "card": "# late\n", "profile": {"rows": 60}, "fingerprints": {"data": "abc"},
    }  # fmt: skip
    return BundleParts(**{**parts, **changes})


@pytest.fixture
def key(tmp_path):
    return load_or_create_signing_key(tmp_path / "keys")


@pytest.fixture
def parts():
    return bundle_parts(linear_artifact())


@pytest.fixture
def make_parts():
    return lambda artifact=None, **changes: bundle_parts(artifact or linear_artifact(), **changes)


@pytest.fixture
def make_artifact():
    return linear_artifact


@pytest.fixture
def folder(tmp_path, parts, key):
    write_bundle(tmp_path / "bundle", parts, key)
    return tmp_path / "bundle"
