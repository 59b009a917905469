import pytest


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


@pytest.fixture
def document(ask, build, model_of):
    return ask(build(models=[model_of(), model_of("multiclass", "grade"), model_of("regression", "price")]), "GET", "/openapi.json").json()


def test_it_is_openapi_3_1_in_form(document):
    assert document["openapi"] == "3.1.0"
    assert {"title", "version"} <= set(document["info"])
    operations = [(path, method, operation) for path, item in document["paths"].items() for method, operation in item.items()]
    names = [operation["operationId"] for _, _, operation in operations if "operationId" in operation]
    assert len(names) == len(set(names))
    for path, method, operation in operations:
        assert path.startswith("/")
        assert method in ("get", "post")
        assert all("description" in response for response in operation["responses"].values())


def test_every_reference_leads_somewhere(document):
    found = set(references(document))
    assert found
    assert all(each.removeprefix("#/components/schemas/") in document["components"]["schemas"] for each in found)


def test_every_path_that_it_names_is_there(ask, application, document):
    single = ask(application, "GET", "/openapi.json").json()
    for path, item in single["paths"].items():
        for method in item:
            answer = ask(application, method.upper(), path, json={} if method == "post" else None)
            assert answer.status_code not in (404, 405), path


def test_fields_have_the_types_of_the_signature(document, given):
    fields = document["components"]["schemas"]["lateRow"]
    assert fields["required"] == [field.name for field in given]
    assert fields["additionalProperties"] is False
    assert fields["properties"]["count"]["type"] == ["integer", "null"]
    assert fields["properties"]["at"]["format"] == "date-time"
    assert "pseudonymised" in fields["properties"]["who"]["description"]


def test_answers_differ_by_task(document):
    schemas = document["components"]["schemas"]
    assert schemas["latePrediction"]["properties"]["decision"] == {"type": "boolean"}
    assert schemas["gradePrediction"]["properties"]["decision"]["enum"] == ["low", "mid", "high"]
    assert "decision" not in schemas["pricePrediction"]["properties"]
