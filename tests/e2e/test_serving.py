"""A bundle of trained trees and published state, served by a real process and asked over real sockets."""

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import polars as pl
import pytest

from headrace.bundles.keys import load_or_create_signing_key
from headrace.bundles.manifest import FeatureField, GivenField
from headrace.bundles.parts import BundleParts, Golden
from headrace.bundles.writing import write_bundle
from headrace.core.pseudonyms import pseudonymise
from headrace.expressions import DType, col
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.models.encoder import Encoder
from headrace.models.predictor import load_predictor
from headrace.spec.candidates import GradientBoosting
from headrace.spec.features import Features, latest, window
from headrace.spec.sources import File
from headrace.spec.tables import Events, Pseudonym
from headrace.training.budget import Caps
from headrace.training.splits import Parts
from headrace.training.train import TrainRequest, train_candidate

NOW = datetime(2024, 1, 10, tzinfo=UTC)
KEY = b"p" * 32
SERVER = """
import json, sys
from pathlib import Path
from headrace.bundles.keys import load_trusted_keys
from headrace.bundles.reading import read_bundle
from headrace.features.state import FeatureState
from headrace.serving.application import Application, ServingParts
from headrace.serving.scoring import ServedModel
from headrace.serving.server import serve
from headrace.serving.settings import ServerOptions

home = Path(sys.argv[1])

class Lines:
    def write(self, batch):
        with (home / "predictions.jsonl").open("a") as file:
            for record in batch.records:
                file.write(json.dumps({"id": record.id, "inputs": record.inputs_json(), "features": record.features_json(), "cpu": batch.usage.cpu_seconds}) + "\\n")

model = ServedModel.load(read_bundle(home / "bundle", load_trusted_keys(home / "keys")), FeatureState.load(home / "state"))
serve(ServerOptions(port=0), Application(ServingParts([model], Lines(), b"p" * 32, flush_seconds=60)), lambda url: print(url, flush=True))
(home / "modules.json").write_text(json.dumps(sorted(sys.modules)))
"""  # noqa: E501


def declared():
    rides = Events("rides", source=File("rides.csv"), id="id", time="at", personal={"rider": Pseudonym()})
    values = {
        "km": col("km"),
        "hour": col("at").hour(),
        "city": col("city"),
        "last_tip": latest(rides, "tip", by="rider", max_age="5d"),
        "city_tip_1d": window(rides, col("tip").mean(), by="city", over="1d"),
    }
    return Features(spine=rides, given=["at", "km", "city", "rider"], as_of=col("at"), values=values)


def rides(rows, seed):
    random = np.random.default_rng(seed)
    at = [NOW - timedelta(minutes=int(each)) for each in np.sort(random.integers(1, 12_000, rows))[::-1]]
    km = random.gamma(2, 4, rows)
    return pl.DataFrame({
        "id": np.arange(rows), "at": at, "km": km, "city": random.choice(["north", "south", "east"], rows),
        "rider": [pseudonymise(f"rider {each}", KEY) for each in random.integers(0, 40, rows)], "tip": random.normal(km / 5, 1),
        "_arrival": np.arange(rows), "_ingested": [NOW] * rows,
    }, schema_overrides={"at": pl.Datetime("us", "UTC"), "_ingested": pl.Datetime("us", "UTC")})  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a bundle, its keys and state published as of NOW."""
    folder = tmp_path_factory.mktemp("home")
    table = rides(1500, 1)
    types = {"id": DType.INT, "at": DType.DATETIME, "km": DType.FLOAT, "city": DType.STRING, "rider": DType.STRING, "tip": DType.FLOAT}
    types |= {"_arrival": DType.INT, "_ingested": DType.DATETIME}
    plan = FeaturePlan.build(declared(), types, {"rides": types})
    features = compute(plan, table.lazy(), {"rides": table.lazy()})
    parts = Parts(pl.Series(["train"] * 1000 + ["validation"] * 300 + ["test"] * 200))
    candidate = GradientBoosting(num_leaves=15, learning_rate=0.1, min_child_samples=10, reg_lambda=1.0, rounds=60)
    caps = Caps(trials=1, seconds=30.0)
    request = TrainRequest(
        candidate=candidate,
        task="binary",
        metric="average_precision",
        features=features,
        target=table["tip"] > 2,
        parts=parts,
        caps=caps,
        seed=1,
        threads=1,
    )
    artifact = train_candidate(request).artifact
    golden = features.tail(60)
    parts = BundleParts(
        project="rides", model="tips", version="1", artifact=artifact, plan=plan.to_json(), threshold=0.4, card="# tips\n",
        given=tuple(GivenField(name, kind, name in plan.personal) for name, kind in plan.given.items()),
        features=tuple(FeatureField(name, kind) for name, kind in plan.types.items()),
        golden=Golden(golden.to_dicts(), load_predictor(artifact).scores(Encoder(artifact.columns).encode_frame(golden))),
    )  # fmt: skip
    write_bundle(folder / "bundle", parts, load_or_create_signing_key(folder / "keys"))
    build_state(plan, {"rides": table.lazy()}, NOW).save(folder / "state")
    (folder / "serve.py").write_text(SERVER)
    return folder, plan, table, artifact


@contextmanager
def running(folder):
    with subprocess.Popen(
        [sys.executable, str(folder / "serve.py"), str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), process.stderr.read()
            yield process, url
        finally:
            process.kill()


def stop(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, process.stderr.read()


def asked(rows, seed):
    """Questions asked at NOW, as a client sends them and as batch sees them."""
    random = np.random.default_rng(seed)
    plain = [
        {
            "at": NOW.isoformat(),
            "km": float(random.gamma(2, 4)),
            "city": str(random.choice(["north", "south", "west"])),
            "rider": f"rider {random.integers(0, 60)}",
        }
        for _ in range(rows)
    ]
    frame = pl.DataFrame(
        [{**row, "at": NOW, "rider": pseudonymise(row["rider"], KEY)} for row in plain], schema_overrides={"at": pl.Datetime("us", "UTC")}
    )
    return plain, frame


def test_served_answers_equal_batch_and_are_all_logged(home):
    folder, plan, table, artifact = home
    (folder / "predictions.jsonl").unlink(missing_ok=True)
    plain, frame = asked(200, 5)
    with running(folder) as (process, url), httpx.Client(base_url=url) as client:
        answer = client.post("/predict?features=true", json={"rows": plain, "as_of": NOW.isoformat()})
        assert answer.status_code == 200, answer.text
        found = answer.json()["predictions"]
        assert client.post("/predict", json=plain[0]).status_code == 200
        client.close()
        stop(process)
    features = compute(plan, frame.lazy(), {"rides": table.lazy()})
    scores = load_predictor(artifact).scores(Encoder(artifact.columns).encode_frame(features))
    for name, column in features.to_dict(as_series=False).items():
        values = [each["features"][name] for each in found]
        if name in ("km", "last_tip", "city_tip_1d"):
            np.testing.assert_allclose(np.array(values, dtype=float), np.array(column, dtype=float), rtol=1e-9, err_msg=name)
        else:
            assert values == column, name
    assert features["last_tip"].null_count() > 0
    assert features["last_tip"].count() > 0
    assert [each["score"] for each in found] == pytest.approx(scores.tolist(), rel=1e-9)
    assert [each["decision"] for each in found] == (scores >= 0.4).tolist()
    logged = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert [each["id"] for each in logged][:200] == [each["prediction_id"] for each in found]
    assert len(logged) == 201
    assert "rider 1" not in (folder / "predictions.jsonl").read_text()
    assert logged[0]["cpu"] > 0


def test_the_server_process_loads_no_data_frame_and_no_training_library(home):
    folder, *_ = home
    with running(folder) as (process, url):
        assert httpx.post(f"{url}/predict", json=asked(1, 6)[0]).status_code == 200
        stop(process)
    loaded = {name.partition(".")[0] for name in json.loads((folder / "modules.json").read_text())}
    assert {"uvicorn", "msgspec", "numpy"} <= loaded
    assert not loaded & {"pandas", "polars", "sklearn", "lightgbm", "scipy", "optuna", "deltalake", "sqlalchemy", "dbos"}


def test_a_request_in_flight_at_the_stop_is_answered_and_logged(home):
    folder, *_ = home
    (folder / "predictions.jsonl").unlink(missing_ok=True)
    body = json.dumps(asked(1, 7)[0]).encode()
    with running(folder) as (process, url):
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:10])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[10:])
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        assert process.wait(20) == 0
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    logged = [json.loads(line)["id"] for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert logged == [json.loads(content)["predictions"][0]["prediction_id"]]


def test_questions_before_the_published_state_are_refused(home):
    folder, *_ = home
    with running(folder) as (process, url):
        early = httpx.post(f"{url}/predict", json={"rows": asked(1, 8)[0], "as_of": (NOW - timedelta(days=1)).isoformat()})
        age = httpx.get(f"{url}/metadata").json()["models"][0]["state"]
        stop(process)
    assert early.status_code == 422
    assert "before" in early.json()["error"]["message"]
    assert age["moment"] == "2024-01-10T00:00:00Z"
    assert age["age_seconds"] > 0


def test_a_tampered_bundle_is_not_served(home, tmp_path):
    folder, *_ = home
    for name in ("bundle", "keys", "state"):
        (tmp_path / name).mkdir()
        for path in (folder / name).iterdir():
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    model = tmp_path / "bundle" / "model.txt"
    model.write_bytes(model.read_bytes().replace(b"leaf_value=", b"leaf_value=9", 1))
    done = subprocess.run([sys.executable, str(folder / "serve.py"), str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "'model.txt' was changed" in done.stderr
