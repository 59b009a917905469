"""The OpenAPI 3.1 description, made from the models' signatures."""

from collections.abc import Mapping, Sequence
from typing import Any

from headrace.bundles.manifest import GivenField, Manifest
from headrace.expressions import DType
from headrace.serving.describing import VERSION
from headrace.serving.fields import EXPECTED, PERSONAL
from headrace.spec.freshness import WHEN_STALE

Json = dict[str, Any]

_TYPES: Mapping[DType, Json] = {
    DType.BOOL: {"type": ["boolean", "null"]},
    DType.INT: {"type": ["integer", "null"], "format": "int64"},
    DType.FLOAT: {"type": ["number", "null"], "format": "double"},
    DType.STRING: {"type": ["string", "null"]},
    DType.DATETIME: {"type": ["string", "null"], "format": "date-time"},
    DType.DURATION: {"type": ["number", "null"]},
}
_ERRORS = {
    "400": "Not JSON, or not of the shape that the call takes",
    "413": "Too many bytes or rows",
    "415": "Not declared as JSON",
    "422": "A row, a field: what was expected and what came",
    "429": "At a limit; come back after Retry-After seconds",
    "503": "The online state cannot be read, or features are older than they may be; come back after Retry-After seconds",
}


def openapi(manifests: Sequence[Manifest]) -> Json:
    """Return the description of every path of the server, as JSON values."""
    schemas: Json = {"Error": _error_schema(), "InferenceError": _object({"error": {"type": "string"}}, ["error"])}
    paths: Json = {path: {"get": _reading(summary)} for path, summary in _READ.items()}
    figures = "Figures for Prometheus: how fresh the state is, how the prediction log stands"
    paths["/metrics"] = {"get": {"summary": figures, "responses": {"200": {"description": figures, "content": {"text/plain": {}}}}}}
    for manifest in manifests:
        schemas[f"{manifest.model}Row"] = _row_schema(manifest)
        schemas[f"{manifest.model}Prediction"] = _prediction_schema(manifest)
        paths |= _model_paths(manifest)
    paths["/predict"] = {"post": _predict(manifests)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{manifests[0].project} predictions",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas},
    }


_READ = {
    "/health/live": "Whether the process answers",
    "/health/ready": "Whether requests should come",
    "/metadata": "What is served, from which state and how fresh it is, and how the prediction log stands",
    "/openapi.json": "This description",
    "/v2": "The server, by the Open Inference Protocol",
    "/v2/health/live": "Whether the process answers, by the Open Inference Protocol",
    "/v2/health/ready": "Whether requests should come, by the Open Inference Protocol",
}


def _predict(manifests: Sequence[Manifest]) -> Json:
    rows = _any_of([{"$ref": f"#/components/schemas/{manifest.model}Row"} for manifest in manifests])
    predictions = _any_of([{"$ref": f"#/components/schemas/{manifest.model}Prediction"} for manifest in manifests])
    listed = {"type": "array", "items": rows, "minItems": 1}
    as_of = {"type": ["string", "null"], "format": "date-time", "description": "Answer as of this moment; now if absent."}
    limit = "How long before the question the tables that features look into must be known until, such as 10m."
    stale = "What is done about a feature that is older: used and told, null and told, or refused."
    parameters: list[Json] = [
        {"name": "max_staleness", "in": "query", "description": limit, "schema": {"type": "string"}},
        {"name": "when_stale", "in": "query", "description": stale, "schema": {"type": "string", "enum": list(WHEN_STALE)}},
        {"name": "features", "in": "query", "description": "Return feature values too.", "schema": {"type": "boolean", "default": False}},
        {
            "name": "model",
            "in": "query",
            "description": "Which model; needed where several are served.",
            "required": len(manifests) > 1,
            "schema": {"type": "string", "enum": [manifest.model for manifest in manifests]},
        },
    ]
    body = {"oneOf": [_object({"rows": listed, "as_of": as_of}, ["rows"]), listed, rows]}
    answer = _object({"predictions": {"type": "array", "items": predictions}}, ["predictions"])
    return {"operationId": "predict", "summary": "Predict for rows", "parameters": parameters, **_call(body, answer, "Error")}


def _model_paths(manifest: Manifest) -> Json:
    paths: Json = {}
    for number, root in enumerate((f"/v2/models/{manifest.model}", f"/v2/models/{manifest.model}/versions/{manifest.version}")):
        tensors = {"type": "array", "items": {"type": "object", "required": ["name"]}}
        body = _object({"id": {"type": "string"}, "parameters": {"type": "object"}, "inputs": tensors, "outputs": tensors}, ["inputs"])
        answer = _object(
            {"model_name": {"type": "string"}, "model_version": {"type": "string"}, "outputs": tensors}, ["model_name", "outputs"]
        )
        operation = f"infer_{manifest.model}" + ("_version" if number else "")
        paths[root] = {"get": _reading(f"Inputs and outputs of {manifest.model}")}
        paths[f"{root}/ready"] = {"get": _reading(f"Whether {manifest.model} takes requests")}
        paths[f"{root}/infer"] = {
            "post": {"operationId": operation, "summary": "Predict for tensors", **_call(body, answer, "InferenceError")}
        }
    return paths


def _row_schema(manifest: Manifest) -> Json:
    return {
        **_object({field.name: _field_schema(field) for field in manifest.given}, [field.name for field in manifest.given]),
        "additionalProperties": False,
    }


def _field_schema(field: GivenField) -> Json:
    if field.personal:
        return {"type": ["string", "integer", "null"], "description": PERSONAL}
    return {**_TYPES[field.dtype], "description": EXPECTED[field.dtype]}


def _prediction_schema(manifest: Manifest) -> Json:
    fields: Json = {"prediction_id": {"type": "string"}, "model": {"type": "string"}, "version": {"type": "string"}}
    if manifest.task == "multiclass":
        shares = {name: {"type": "number"} for name in manifest.classes}
        fields |= {"probabilities": _object(shares, list(manifest.classes)), "decision": {"type": "string", "enum": list(manifest.classes)}}
    else:
        fields |= {"score": {"type": "number"}} | ({"decision": {"type": "boolean"}} if manifest.task == "binary" else {})
    stale = {"type": "array", "items": {"type": "string"}}
    return _object({**fields, "features": {"type": "object"}, "stale": stale}, list(fields))


def _error_schema() -> Json:
    texts: Json = {name: {"type": "string"} for name in ("code", "message", "remedy", "field", "expected", "came")}
    return _object({"error": _object({**texts, "row": {"type": ["integer", "null"]}}, ["code", "message"])}, ["error"])


def _call(body: Json, answer: Json, error: str) -> Json:
    failed = _content({"$ref": f"#/components/schemas/{error}"})
    return {
        "requestBody": {"required": True, **_content(body)},
        "responses": {
            "200": {"description": "Predictions, in the rows' order", **_content(answer)},
            **{status: {"description": text, **failed} for status, text in _ERRORS.items()},
        },
    }


def _reading(summary: str) -> Json:
    return {"summary": summary, "responses": {"200": {"description": summary, **_content({"type": "object"})}}}


def _content(schema: Json) -> Json:
    return {"content": {"application/json": {"schema": schema}}}


def _object(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required}


def _any_of(schemas: list[Json]) -> Json:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
