"""A real bundle served by the real application over ASGI; features from a small function in place of published state."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import numpy as np
import pytest

from headrace.bundles.keys import load_or_create_signing_key
from headrace.bundles.manifest import FeatureField, GivenField
from headrace.bundles.parts import BundleParts, Golden
from headrace.bundles.reading import read_bundle
from headrace.bundles.writing import write_bundle
from headrace.core.clock import FixedClock
from headrace.expressions import DType
from headrace.models.arrays import array_bytes
from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.encoder import Encoder
from headrace.models.predictor import load_predictor
from headrace.serving.application import Application, ServingParts
from headrace.serving.scoring import ServedModel

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
STATE = NOW - timedelta(hours=2)
PSEUDONYM_KEY = b"k" * 32
CLASSES = {"binary": ("false", "true"), "multiclass": ("low", "mid", "high"), "regression": ()}
GIVEN = (
    GivenField("size", DType.FLOAT),
    GivenField("count", DType.INT),
    GivenField("colour", DType.STRING),
    GivenField("fast", DType.BOOL),
    GivenField("at", DType.DATETIME),
    GivenField("wait", DType.DURATION),
    GivenField("who", DType.STRING, personal=True),
)
ROW = {"size": 1.5, "count": 3, "colour": "blue", "fast": True, "at": "2024-05-01T10:00:00+02:00", "wait": 90, "who": "Ana"}


class SmallFeatures:
    """Two features: one given, one that depends on as_of."""

    def compute(self, row, as_of):
        if row["count"] == 666:
            raise ZeroDivisionError("the user's function failed")
        size = None if row["size"] is None else row["size"] + (0 if as_of == NOW else 1)
        return {"size": size, "colour": row["colour"]}


class KeptSink:
    """Keeps batches; fails as long as `failing` is set."""

    def __init__(self):
        self.batches = []
        self.failing = False
        self.calls = 0

    def write(self, batch):
        self.calls += 1
        if self.failing:
            raise OSError("the lake is away")
        self.batches.append(batch)

    @property
    def records(self):
        return [record for batch in self.batches for record in batch.records]


def make_artifact(task):
    outputs = len(CLASSES[task]) if task == "multiclass" else 1
    design = [{"type": "numeric", "fill": 2.0, "center": 1.0, "scale": 2.0}, {"type": "levels", "levels": 2}]
    weights = np.random.default_rng(3).normal(size=(7, outputs))
    files = {
        "design.json": msgspec.json.encode(design),
        "weights.npy": array_bytes(weights),
        "intercept.npy": array_bytes(np.zeros(outputs)),
    }
    columns = (ModelColumn("size", "numeric"), ModelColumn("colour", "categorical", ("red", "blue")))
    return Artifact(task=task, family="linear", columns=columns, classes=CLASSES[task], files=files, details={})


def make_model(folder, task="binary", name="late"):
    artifact = make_artifact(task)
    rows = [{"size": n / 3, "colour": ("red", "blue")[n % 2]} for n in range(50)]
    encoder = Encoder(artifact.columns)
    scores = load_predictor(artifact).scores(np.stack([encoder.encode_row(row) for row in rows]))
    features = (FeatureField("size", DType.FLOAT), FeatureField("colour", DType.STRING))
    parts = BundleParts(
        project="paint", model=name, version=f"{name}-3", artifact=artifact, plan={}, given=GIVEN, features=features,
        golden=Golden(rows, scores), card="", threshold=0.5 if task == "binary" else None,
    )  # fmt: skip
    key = load_or_create_signing_key(folder / "keys")
    write_bundle(folder / name, parts, key)
    return ServedModel(read_bundle(folder / name, key.trusted), SmallFeatures(), STATE)


@pytest.fixture
def sink():
    return KeptSink()


@pytest.fixture
def build(tmp_path, sink):
    """Make a started application; it is closed after the test."""
    made = []

    def make(task="binary", models=None, **changes):
        values = {
            "models": models or [make_model(tmp_path, task)],
            "sink": sink,
            "pseudonym_key": PSEUDONYM_KEY,
            "clock": FixedClock(NOW),
            "flush_seconds": 0.01,
            "close_seconds": 2.0,
        }
        application = Application(ServingParts(**{**values, **changes}))
        application.start()
        made.append(application)
        return application

    yield make
    sink.failing = False
    for application in made:
        application.close()


@pytest.fixture
def model_of(tmp_path):
    return lambda task="binary", name="late": make_model(tmp_path, task, name)


@pytest.fixture
def application(build):
    return build()


@pytest.fixture
def ask():
    """Send one request to an application and return the answer."""

    async def send(application, method, path, **options):
        transport = httpx.ASGITransport(application, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **options)

    return lambda application, method, path, **options: asyncio.run(send(application, method, path, **options))


@pytest.fixture
def row():
    return dict(ROW)


@pytest.fixture
def pseudonym_key():
    return PSEUDONYM_KEY


@pytest.fixture
def given():
    return GIVEN


@pytest.fixture
def now():
    return NOW
