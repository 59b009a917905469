"""The two calls that predict: how each reads its question and writes its answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from headrace.serving import inference_protocol, plain_protocol
from headrace.serving.exchange import Header, Response
from headrace.serving.question import Question
from headrace.serving.records import PredictionRecord
from headrace.serving.rows import RowReader
from headrace.serving.scoring import Scorer, ServedModel

Asked = Callable[[], datetime]


@dataclass(frozen=True)
class Door:
    """A model with its reader of rows."""

    model: ServedModel
    reader: RowReader
    scorer: Scorer


@dataclass(frozen=True)
class Call:
    """A way to ask a model. `check` refuses by the headers, before the body is read; all three raise `RequestError`."""

    door: Door
    check: Callable[[Sequence[Header]], None]
    read: Callable[[bytes], Question]
    write: Callable[[Sequence[PredictionRecord], Question], Response]


def plain_call(door: Door, asked: Asked, row_limit: int, query: plain_protocol.Query = plain_protocol.NO_QUERY) -> Call:
    """Return `POST /predict`; `asked` says when questions are asked that do not say so themselves."""
    classes = door.model.manifest.classes
    return Call(
        door,
        lambda _headers: None,
        lambda body: plain_protocol.read_question(body, door.reader, asked(), row_limit, query),
        lambda records, question: plain_protocol.write_answer(records, question, classes),
    )


def infer_call(door: Door, asked: Asked, row_limit: int) -> Call:
    """Return the Open Inference Protocol's `infer`."""
    manifest = door.model.manifest
    return Call(
        door,
        inference_protocol.refuse_binary_body,
        lambda body: inference_protocol.read_question(body, door.reader, manifest, asked(), row_limit),
        lambda records, question: inference_protocol.write_answer(records, question, manifest),
    )
