import json
from datetime import timedelta

import pytest

from headrace.core.pseudonyms import pseudonymise


def test_a_row_gets_a_score_a_decision_and_an_id(ask, application, row):
    answer = ask(application, "POST", "/predict", json={"rows": [row]})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    (prediction,) = answer.json()["predictions"]
    assert set(prediction) == {"prediction_id", "score", "decision", "model", "version"}
    assert prediction["prediction_id"].startswith("prd_")
    assert prediction["decision"] is (prediction["score"] >= 0.5)
    assert (prediction["model"], prediction["version"]) == ("late", "late-3")


def test_one_row_a_list_and_an_envelope_are_the_same_question(ask, application, row):
    bodies = [row, [row], {"rows": [row]}, {"rows": [row], "as_of": None}]
    scores = {ask(application, "POST", "/predict", json=body).json()["predictions"][0]["score"] for body in bodies}
    assert len(scores) == 1


def test_the_score_is_the_models_own(ask, build, model_of, row):
    model = model_of()
    score = ask(build(models=[model]), "POST", "/predict", json=row).json()["predictions"][0]["score"]
    encoded = model.bundle.encoder.encode_row({"size": 1.5, "colour": "blue"})
    assert score == model.bundle.predictor.score_row(encoded)


def test_rows_are_answered_in_order(ask, application, row):
    rows = [{**row, "size": float(n)} for n in range(100)]
    together = ask(application, "POST", "/predict", json=rows).json()["predictions"]
    single = [ask(application, "POST", "/predict", json=each).json()["predictions"][0] for each in rows[::33]]
    assert [each["score"] for each in together[::33]] == [each["score"] for each in single]
    ids = [each["prediction_id"] for each in together]
    assert ids == sorted(set(ids))


def test_features_are_returned_when_asked_for(ask, application, row):
    for query, expected in (
        ("?features=true", {"size": 1.5, "colour": "blue"}),
        ("?features=1", {"size": 1.5, "colour": "blue"}),
        ("?features=false", None),
    ):
        assert ask(application, "POST", f"/predict{query}", json=row).json()["predictions"][0].get("features") == expected
    misspelt = ask(application, "POST", "/predict?max_stalenes=1h", json=row)
    assert misspelt.status_code == 422
    assert misspelt.json()["error"]["remedy"].startswith("Did you mean 'max_staleness'?")
    wrong = ask(application, "POST", "/predict?features=maybe", json=row)
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "features")


def test_as_of_reaches_the_features(ask, application, row):
    answer = ask(application, "POST", "/predict?features=true", json={"rows": [row], "as_of": "2024-05-01T11:00:00Z"})
    assert answer.json()["predictions"][0]["features"]["size"] == 2.5
    naive = ask(application, "POST", "/predict", json={"rows": [row], "as_of": "2024-05-01T11:00:00"})
    assert naive.status_code == 422
    assert "offset" in naive.json()["error"]["remedy"]


def test_a_replay_asks_as_of_its_own_moment_unless_told(ask, build, row, now):
    application = build(as_of=now - timedelta(hours=1))
    sizes = [
        ask(application, "POST", "/predict?features=true", json={"rows": [row], "as_of": as_of}).json()["predictions"][0]["features"][
            "size"
        ]
        for as_of in (None, now.isoformat())
    ]
    assert sizes == [2.5, 1.5]


def test_several_classes_get_probabilities(ask, build, row):
    prediction = ask(build("multiclass"), "POST", "/predict", json=row).json()["predictions"][0]
    assert set(prediction["probabilities"]) == {"low", "mid", "high"}
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    assert prediction["decision"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
    assert "score" not in prediction


def test_a_number_needs_no_decision(ask, build, row):
    prediction = ask(build("regression"), "POST", "/predict", json=row).json()["predictions"][0]
    assert "decision" not in prediction
    assert isinstance(prediction["score"], float)


def test_a_wrong_value_is_told_by_row_and_field(ask, application, row):
    answer = ask(application, "POST", "/predict", json=[row, {**row, "count": "three"}])
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["row"], error["field"], error["came"]) == ("invalid_value", 1, "count", "the text 'three'")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'[{"size": NaN}]', "not JSON"),
        (b'"\xff"', "not JSON"),
        (b"3", "the number 3"),
        (b"[]", "no rows"),
        (b'{"rows": {}}', "'rows' is an object"),
        (b'{"rows": [3]}', "row 0"),
        (b'{"rows": [], "asof": 3}', "'asof'"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_malformed_body_is_told(ask, application, body, words):
    answer = ask(application, "POST", "/predict", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert words in answer.json()["error"]["message"]


def test_nan_gets_the_advice_to_send_null(ask, application):
    answer = ask(application, "POST", "/predict", content=b'[{"size": NaN}]', headers={"content-type": "application/json"})
    assert "null" in answer.json()["error"]["remedy"]


def test_every_answer_is_logged_with_what_explains_it(ask, build, row, sink, now, pseudonym_key):
    application = build()
    answers = ask(application, "POST", "/predict", json=[row, {**row, "size": None}]).json()["predictions"]
    application.close()
    assert [record.id for record in sink.records] == [answer["prediction_id"] for answer in answers]
    record = sink.records[0]
    inputs, features = json.loads(record.inputs_json()), json.loads(record.features_json())
    assert inputs["who"] == pseudonymise("Ana", pseudonym_key)
    assert (inputs["at"], inputs["wait"]) == ("2024-05-01T08:00:00Z", 90.0)
    assert features == {"size": 1.5, "colour": "blue"}
    assert record.scores == (answers[0]["score"],)
    assert (record.moment, record.as_of, record.model, record.version) == (now, now, "late", "late-3")
    assert 0 < record.seconds < timedelta(seconds=5).total_seconds()


def test_nothing_refused_is_logged(ask, build, row, sink):
    application = build()
    ask(application, "POST", "/predict", json=[row, {**row, "count": "three"}])
    ask(application, "POST", "/predict", json={**row, "count": 666})
    application.close()
    assert sink.records == []
    assert application.log.status().waiting == 0
