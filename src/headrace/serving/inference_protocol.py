"""The Open Inference Protocol v2, REST, JSON: `POST /v2/models/{model}/infer`.

One tensor a given column; moments are BYTES in ISO 8601, durations FP64 seconds; null stands for what is not known. A request parameter
`as_of` replays an earlier moment; `max_staleness` and `when_stale` say how old features may be. Of an answer the parameter `stale` is
the text of a JSON list: the features that were older.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from headrace.bundles.manifest import Manifest
from headrace.core.errors import suggest
from headrace.serving.errors import InvalidValue, MalformedRequest
from headrace.serving.exchange import Header, Response, decode_json
from headrace.serving.fields import describe
from headrace.serving.question import Question, check_count, read_freshness
from headrace.serving.records import PredictionRecord
from headrace.serving.rows import RowReader, read_as_of
from headrace.serving.tensors import binary_refused, output_metadata, refuse_binary, tensor_values

_encode = msgspec.json.Encoder().encode
_PARAMETERS = ("as_of", "max_staleness", "when_stale")


def refuse_binary_body(headers: Sequence[Header]) -> None:
    """Refuse a body that is binary after its JSON part.

    Raises:
        MalformedRequest: saying how clients turn it off.
    """
    if any(name == b"inference-header-content-length" for name, _ in headers):
        raise binary_refused("the request")


def read_question(body: bytes, reader: RowReader, manifest: Manifest, now: datetime, row_limit: int) -> Question:
    """Return what a body asks.

    Raises:
        RequestError: naming the tensor, the row, what was expected and what came.
    """
    raw = decode_json(body)
    if type(raw) is not dict:
        raise MalformedRequest(f"the body is {describe(raw)}.", remedy='Send {"inputs": [...]}.')
    echo = raw.get("id")
    if echo is not None and type(echo) is not str:
        raise InvalidValue(None, "id", "a text", describe(echo))
    parameters = _parameters(raw)
    moment = read_as_of(parameters.get("as_of"), now)
    outputs = _requested(raw.get("outputs"), manifest)
    columns = _columns(raw.get("inputs"), reader)
    counts = {len(values) for values in columns.values()}
    if len(counts) > 1:
        sizes = ", ".join(f"{name}: {len(values)}" for name, values in columns.items())
        raise MalformedRequest(f"the tensors have different numbers of rows: {sizes}.", remedy="Send as many in each.")
    check_count(max(counts, default=0), row_limit)
    typed = [reader.read_column(name, columns[name]) for name in reader.given]
    rows = [dict(zip(reader.given, values, strict=True)) for values in zip(*typed, strict=True)]
    return Question(rows, moment, outputs=outputs, echo=echo, freshness=read_freshness(parameters))


def write_answer(records: Sequence[PredictionRecord], question: Question, manifest: Manifest) -> Response:
    """Return the outputs asked for, in the order asked, values row by row."""
    described = {str(output["name"]): output for output in output_metadata(manifest)}
    outputs = [_output(described[name], records) for name in question.outputs or described]
    answer: dict[str, object] = {"model_name": manifest.model, "model_version": manifest.version, "outputs": outputs}
    if question.echo is not None:
        answer["id"] = question.echo
    if stale := sorted({name for record in records for name in record.stale or ()}):
        answer["parameters"] = {"stale": _encode(stale).decode()}  # the protocol has no parameters that are lists
    return Response(200, _encode(answer))


def _parameters(raw: dict[str, Any]) -> dict[str, Any]:
    parameters = raw.get("parameters") or {}
    if type(parameters) is not dict:
        raise InvalidValue(None, "parameters", "an object", describe(parameters))
    if parameters.get("binary_data_output"):
        raise binary_refused("'parameters' of the request")
    for name in parameters:
        if name not in _PARAMETERS and not name.startswith("binary_data"):
            raise InvalidValue(None, name[:100], "a request parameter", "unknown", suggest(name, _PARAMETERS))
    return parameters


def _columns(inputs: object, reader: RowReader) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {}
    for tensor in _objects(inputs, "inputs"):
        name = tensor.get("name")
        if type(name) is not str or name not in reader.given:
            raise InvalidValue(None, str(name)[:100], "an input of the model", "unknown", suggest(str(name), reader.given))
        if name in columns:
            raise InvalidValue(None, name, "given once", "given twice")
        refuse_binary(tensor.get("parameters"), f"the input {name!r}")
        columns[name] = tensor_values(tensor, reader.given[name])
    for name in reader.given:
        if name not in columns:
            raise InvalidValue(None, name, f"a tensor ({reader.expected(name)}, or null)", "missing", "Send null for what is not known.")
    return columns


def _requested(outputs: object, manifest: Manifest) -> tuple[str, ...]:
    if outputs is None:
        return ()
    known = [str(output["name"]) for output in output_metadata(manifest)]
    names: list[str] = []
    for output in _objects(outputs, "outputs"):
        name = output.get("name")
        if name not in known:
            raise InvalidValue(None, str(name)[:100], "an output of the model", "unknown", suggest(str(name), known))
        refuse_binary(output.get("parameters"), f"the output {name!r}")
        names.append(name)
    return tuple(names)


def _objects(value: object, name: str) -> list[dict[str, Any]]:
    if type(value) is not list or any(type(item) is not dict for item in value):
        raise MalformedRequest(f"{name!r} is {describe(value)}.", remedy="It must be a list of objects, each with a name.")
    return value


def _output(described: Mapping[str, Any], records: Sequence[PredictionRecord]) -> dict[str, object]:
    name, shape = described["name"], described["shape"]
    data: list[object]
    if name == "probabilities":
        data = [score for record in records for score in record.scores]
    elif name == "score":
        data = [record.scores[0] for record in records]
    else:
        data = [record.decision if name == "decision" else record.id for record in records]
    return {"name": name, "datatype": described["datatype"], "shape": [len(records), *shape[1:]], "data": data}
