import pytest

DATATYPES = {"size": "FP64", "count": "INT64", "colour": "BYTES", "fast": "BOOL", "at": "BYTES", "wait": "FP64", "who": "BYTES"}


@pytest.fixture
def tensors(row):
    return [{"name": name, "datatype": DATATYPES[name], "shape": [2], "data": [value, None]} for name, value in row.items()]


def changed(tensors, name, /, **changes):
    return [{**tensor, **changes} if tensor["name"] == name else tensor for tensor in tensors]


def test_tensors_get_the_scores_of_rows(ask, application, row, tensors):
    answer = ask(application, "POST", "/v2/models/late/infer", json={"id": "mine", "inputs": tensors})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["model_name"], body["model_version"]) == ("mine", "late", "late-3")
    outputs = {output["name"]: output for output in body["outputs"]}
    assert [(output["datatype"], output["shape"]) for output in body["outputs"]] == [("FP64", [2]), ("BOOL", [2]), ("BYTES", [2])]
    plain = ask(application, "POST", "/predict", json=[row, dict.fromkeys(row)]).json()["predictions"]
    assert outputs["score"]["data"] == [each["score"] for each in plain]
    assert outputs["decision"]["data"] == [each["decision"] for each in plain]
    assert all(each.startswith("prd_") for each in outputs["prediction_id"]["data"])


def test_shape_n_by_one_and_nested_data_are_the_same_question(ask, application, tensors):
    nested = [{**tensor, "shape": [2, 1], "data": [[value] for value in tensor["data"]]} for tensor in tensors]
    found = [ask(application, "POST", "/v2/models/late/versions/late-3/infer", json={"inputs": each}).json() for each in (tensors, nested)]
    assert found[0]["outputs"][0] == found[1]["outputs"][0]
    assert "id" not in found[0]


def test_narrower_numbers_are_taken(ask, application, tensors):
    narrow = changed(changed(tensors, "count", datatype="INT32"), "size", datatype="FP32")
    assert ask(application, "POST", "/v2/models/late/infer", json={"inputs": narrow}).status_code == 200


def test_outputs_asked_for_come_in_the_order_asked(ask, application, tensors):
    outputs = [{"name": "prediction_id"}, {"name": "score", "parameters": {"binary_data": False}}]
    body = ask(application, "POST", "/v2/models/late/infer", json={"inputs": tensors, "outputs": outputs}).json()
    assert [output["name"] for output in body["outputs"]] == ["prediction_id", "score"]


def test_several_classes_come_row_by_row(ask, build, tensors):
    body = ask(build("multiclass"), "POST", "/v2/models/late/infer", json={"inputs": tensors}).json()
    probabilities, decision, _ = body["outputs"]
    assert (probabilities["name"], probabilities["shape"], decision["datatype"]) == ("probabilities", [2, 3], "BYTES")
    assert sum(probabilities["data"][:3]) == pytest.approx(1)
    assert sum(probabilities["data"][3:]) == pytest.approx(1)


def test_a_number_has_no_decision(ask, build, tensors):
    body = ask(build("regression"), "POST", "/v2/models/late/infer", json={"inputs": tensors}).json()
    assert [output["name"] for output in body["outputs"]] == ["score", "prediction_id"]


def test_as_of_is_a_request_parameter(ask, build, tensors, sink):
    application = build()
    parameters = {"as_of": "2024-05-01T11:00:00Z"}
    assert ask(application, "POST", "/v2/models/late/infer", json={"inputs": tensors, "parameters": parameters}).status_code == 200
    application.close()
    assert sink.records[0].as_of.hour == 11


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: {**body, "inputs": changed(body["inputs"], "size", parameters={"binary_data_size": 16})},
        lambda body: {**body, "outputs": [{"name": "score", "parameters": {"binary_data": True}}]},
        lambda body: {**body, "parameters": {"binary_data_output": True}},
    ],
)
def test_the_binary_extension_is_refused_with_the_way_out(ask, application, tensors, spoil):
    answer = ask(application, "POST", "/v2/models/late/infer", json=spoil({"inputs": tensors}))
    assert answer.status_code == 400
    assert "binary_data=False" in answer.json()["error"]


def test_a_binary_body_is_refused_with_the_way_out(ask, application):
    headers = {"Inference-Header-Content-Length": "10"}
    answer = ask(application, "POST", "/v2/models/late/infer", content=b"{}        \x00\x01", headers=headers)
    assert answer.status_code == 400
    assert "binary_data=False" in answer.json()["error"]


@pytest.mark.parametrize(
    ("spoil", "status", "words"),
    [
        (lambda t: changed(t, "size", datatype="BYTES"), 422, "'size' must be a tensor of datatype FP64"),
        (lambda t: changed(t, "count", data=[1.5, 2]), 422, "row 0: 'count' must be an integer"),
        (lambda t: changed(t, "count", data=[1]), 422, "'count' must be 2 values"),
        (lambda t: changed(t, "count", shape=[2, 2]), 422, "shape [n]"),
        (lambda t: changed(t, "count", shape=None), 422, "shape"),
        (lambda t: changed(t, "count", data="x"), 422, "list"),
        (lambda t: changed(t, "count", shape=[1], data=[1]), 400, "different numbers of rows"),
        (lambda t: [*t, t[0]], 422, "given twice"),
        (lambda t: t[1:], 422, "'size' must be a tensor"),
        (lambda t: changed(t, "colour", name="color"), 422, "Did you mean 'colour'"),
        (lambda t: changed(t, "colour", name=["colour"]), 422, "must be an input of the model"),
        (lambda t: changed(t, "colour", name={}), 422, "must be an input of the model"),
        (lambda t: [{**each, "shape": [0], "data": []} for each in t], 400, "no rows"),
        (lambda t: "x", 400, "'inputs' is the text"),
        (lambda t: [3], 400, "'inputs'"),
        (lambda t: None, 400, "'inputs' is null"),
    ],
)
def test_wrong_tensors_are_told_by_name(ask, application, tensors, spoil, status, words):
    answer = ask(application, "POST", "/v2/models/late/infer", json={"inputs": spoil(tensors)})
    assert answer.status_code == status
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"id": 3}, "'id' must be a text"),
        ({"outputs": [{"name": "scores"}]}, "Did you mean 'score'"),
        ({"outputs": 3}, "'outputs'"),
        ({"parameters": [1]}, "'parameters'"),
        ({"parameters": {"asof": "x"}}, "Did you mean 'as_of'"),
        ({"parameters": {"as_of": "x"}}, "'as_of'"),
    ],
)
def test_wrong_requests_are_told(ask, application, tensors, extra, words):
    answer = ask(application, "POST", "/v2/models/late/infer", json={"inputs": tensors, **extra})
    assert answer.status_code in (400, 422)
    assert words in answer.json()["error"]


def test_the_body_is_an_object(ask, application):
    assert "a list" in ask(application, "POST", "/v2/models/late/infer", json=[1]).json()["error"]


def test_the_server_and_its_models_describe_themselves(ask, application):
    assert ask(application, "GET", "/v2").json()["name"] == "headrace"
    described = ask(application, "GET", "/v2/models/late").json()
    assert described == ask(application, "GET", "/v2/models/late/versions/late-3").json()
    assert {each["name"]: each["datatype"] for each in described["inputs"]} == DATATYPES
    assert described["versions"] == ["late-3"]
    assert ask(application, "GET", "/v2/models/late/ready").json() == {"name": "late", "ready": True}
    assert ask(application, "GET", "/v2/health/live").status_code == 200
    assert ask(application, "GET", "/v2/health/ready").status_code == 200
    assert "error" in ask(application, "GET", "/v2/models/early").json()
