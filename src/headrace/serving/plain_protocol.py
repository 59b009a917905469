"""`POST /predict`: rows as JSON objects in, predictions as JSON objects out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from headrace.core.errors import suggest
from headrace.serving.errors import InvalidValue, MalformedRequest
from headrace.serving.exchange import Response, decode_json
from headrace.serving.fields import describe
from headrace.serving.freshness import NOTHING_ASKED, AskedFreshness
from headrace.serving.question import Question, check_count, read_freshness
from headrace.serving.records import PredictionRecord, plain_values
from headrace.serving.rows import RowReader, read_as_of

_ENVELOPE = ("rows", "as_of")
_PARAMETERS = ("model", "features", "max_staleness", "when_stale")
_TRUTH: Mapping[str, bool] = {"true": True, "1": True, "": True, "false": False, "0": False}
_encode = msgspec.json.Encoder().encode


class _Prediction(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    prediction_id: str
    score: float | None = None
    probabilities: dict[str, float] | None = None
    decision: bool | str | None = None
    model: str
    version: str
    features: dict[str, object] | None = None
    stale: list[str] | None = None


class _Answer(msgspec.Struct, frozen=True, gc=False):
    predictions: list[_Prediction]


class Query(NamedTuple):
    """What the query of a request asks beside its body."""

    with_features: bool = False
    freshness: AskedFreshness = NOTHING_ASKED


NO_QUERY = Query()


def read_query(parameters: Mapping[str, str]) -> Query:
    """Return what the parameters of a query ask.

    Raises:
        InvalidValue: for a value that is none, or a parameter that there is not: a misspelt limit would be no limit.
    """
    for name in parameters:
        if name not in _PARAMETERS:
            raise InvalidValue(None, name[:40], "a parameter of the query", "unknown", suggest(name, _PARAMETERS))
    features = parameters.get("features", "false")
    if features.lower() not in _TRUTH:
        raise InvalidValue(None, "features", "true or false", f"the text {features[:40]!r}")
    return Query(_TRUTH[features.lower()], read_freshness(parameters))


def read_question(body: bytes, reader: RowReader, now: datetime, row_limit: int, query: Query = NO_QUERY) -> Question:
    """Return what a body asks: `{"rows": [...], "as_of": ...}`, a bare list of rows, or one row.

    Raises:
        RequestError: naming what is wrong, and where.
    """
    raw = decode_json(body)
    rows, as_of = _unwrap(raw, reader)
    if type(rows) is not list:
        raise MalformedRequest(f"'rows' is {describe(rows)}.", remedy="It must be a list of objects.")
    check_count(len(rows), row_limit)
    moment = read_as_of(as_of, now)
    read = [reader.read(row, index) for index, row in enumerate(rows)]
    return Question(read, moment) if query is NO_QUERY else Question(read, moment, query.with_features, freshness=query.freshness)


def write_answer(records: Sequence[PredictionRecord], question: Question, classes: tuple[str, ...]) -> Response:
    """Return the predictions, in the rows' order."""
    return Response(200, _encode(_Answer([_prediction(record, question.with_features, classes) for record in records])))


def _unwrap(raw: Any, reader: RowReader) -> tuple[Any, Any]:
    if type(raw) is list:
        return raw, None
    if type(raw) is not dict:
        raise MalformedRequest(f"the body is {describe(raw)}.", remedy='Send {"rows": [{...}]}, a list of rows, or one row.')
    if "rows" not in raw or "rows" in reader.given:
        return [raw], None
    for name in raw:
        if name not in _ENVELOPE:
            raise MalformedRequest(f"{name!r} does not stand beside 'rows'.", remedy=suggest(name, _ENVELOPE))
    return raw["rows"], raw.get("as_of")


def _prediction(record: PredictionRecord, with_features: bool, classes: tuple[str, ...]) -> _Prediction:
    many = len(record.scores) > 1
    return _Prediction(
        prediction_id=record.id,
        score=None if many else record.scores[0],
        probabilities=dict(zip(classes, record.scores, strict=True)) if many else None,
        decision=record.decision,
        model=record.model,
        version=record.version,
        features=plain_values(record.features) if with_features else None,
        stale=None if record.stale is None else sorted(record.stale),
    )
