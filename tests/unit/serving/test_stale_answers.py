"""What a request asks of freshness, and what its answer and its log say, in both protocols."""

import dataclasses
import json
from datetime import timedelta

import msgspec
import pytest

import headrace as hr
from headrace import col
from headrace.expressions import DType
from headrace.features.plan import FeaturePlan
from headrace.serving.freshness import Freshness

EVENTS = hr.Events("events", source=hr.File("e.csv"), time="at")
TYPES = {"colour": DType.STRING, "size": DType.FLOAT, "at": DType.DATETIME}
STATE_AGE = timedelta(hours=2)  # that of the state of the model that is served


@pytest.fixture
def served(build, model_of):
    """Serve a model with a feature `size` that is two hours old."""

    def make(**options):
        values = {"size": hr.window(EVENTS, col("size").mean(), by="colour", over="1d"), "colour": col("colour")}
        declared = hr.Features(spine=EVENTS, given=["colour", "at"], as_of="at", values=values, **options)
        plan = FeaturePlan.build(declared, TYPES, {"events": TYPES})
        return build(models=[dataclasses.replace(model_of(), freshness=Freshness(plan))])

    return make


def logged(sink, application):
    application.close()
    return [json.loads(record.features_json()) for record in sink.records]


@pytest.mark.parametrize("query", ["", "?max_staleness=2h", "?max_staleness=3h&when_stale=error"])
def test_an_answer_says_nothing_of_freshness_where_nothing_is_old(served, model_of, ask, row, sink, query):
    application = served()
    answer = ask(application, "POST", f"/predict{query}", json=row)
    assert answer.status_code == 200
    assert "stale" not in answer.text
    assert logged(sink, application) == [{"size": 1.5, "colour": "blue"}]
    assert [(record.state, record.watermarks) for record in sink.records] == [(model_of().state_moment, None)]


def test_an_old_value_is_used_and_told(served, ask, row, sink):
    application = served(max_staleness="1h")
    (prediction,) = ask(application, "POST", "/predict?features=true", json=row).json()["predictions"]
    assert prediction["stale"] == ["size"]
    assert prediction["features"]["size"] == 1.5
    assert 'stale_answers_total{model="late"} 1' in ask(application, "GET", "/metrics").text
    assert logged(sink, application) == [{"size": 1.5, "colour": "blue", "_stale": {"size": 7200.0}}]


def test_an_old_value_is_null_and_told_and_scores_as_one_that_is_missing(served, ask, row, sink):
    application = served(max_staleness="1h", when_stale="null")
    old, missing = (
        ask(application, "POST", "/predict?features=true", json=each).json()["predictions"][0] for each in (row, row | {"size": None})
    )
    assert old["features"]["size"] is None
    assert old["score"] == missing["score"]
    assert [each["size"] for each in logged(sink, application)] == [None, None]


def test_an_old_value_is_refused_and_nothing_is_logged(served, ask, row, sink):
    application = served(max_staleness="1h", when_stale="error")
    answer = ask(application, "POST", "/predict", json=row)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    error = answer.json()["error"]
    assert (error["code"], error["feature"], error["table"]) == ("stale", "size", "events")
    assert (error["staleness_seconds"], error["limit_seconds"]) == (7200, 3600)
    assert logged(sink, application) == []


def test_a_request_may_refuse_what_the_features_allow(served, ask, row):
    application = served()
    assert ask(application, "POST", "/predict?max_staleness=1h&when_stale=error", json=row).status_code == 503
    assert ask(application, "POST", "/predict?max_staleness=1h", json=row).json()["predictions"][0]["stale"] == ["size"]


@pytest.mark.parametrize("query", ["max_staleness=soon", "max_staleness=", "when_stale=refuse"])
def test_what_is_no_limit_is_refused(served, ask, row, query):
    answer = ask(served(), "POST", f"/predict?{query}", json=row)
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == query.partition("=")[0]


def test_the_inference_protocol_takes_and_gives_parameters(served, ask, row):
    kinds = {"size": "FP64", "count": "INT64", "fast": "BOOL", "wait": "FP64"}
    inputs = [{"name": name, "shape": [1], "datatype": kinds.get(name, "BYTES"), "data": [value]} for name, value in row.items()]
    application, path = served(), "/v2/models/late/infer"
    assert "parameters" not in ask(application, "POST", path, json={"inputs": inputs}).json()
    old = ask(application, "POST", path, json={"inputs": inputs, "parameters": {"max_staleness": "1h"}}).json()
    assert old["parameters"] == {"stale": '["size"]'}
    parameters = {"max_staleness": "1h", "when_stale": "error"}
    assert ask(application, "POST", path, json={"inputs": inputs, "parameters": parameters}).status_code == 503
    refused = ask(application, "POST", path, json={"inputs": inputs, "parameters": {"max_staleness": 5}})
    assert refused.status_code == 422


def test_a_bundle_without_limits_is_the_same_bytes_as_before():
    values = {"size": hr.window(EVENTS, col("size").mean(), by="colour", over="1d")}
    declared = {"spine": EVENTS, "given": ["colour", "at"], "as_of": "at", "values": values}
    plain = FeaturePlan.build(hr.Features(**declared), TYPES, {"events": TYPES}).to_json()
    limited = FeaturePlan.build(hr.Features(**declared, max_staleness="1h"), TYPES, {"events": TYPES}).to_json()
    assert "freshness" not in plain
    assert limited.pop("freshness") == {"max_us": {"size": 3_600_000_000}}
    assert limited == plain
    assert FeaturePlan.from_json(msgspec.json.decode(msgspec.json.encode(plain))).freshness.max_us == {}
