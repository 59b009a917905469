"""Errors as HTTP answers: the one place that knows both."""

import logging

from headrace.core.errors import HeadraceError, UserError
from headrace.serving.errors import (
    BodyTooLarge,
    BodyTooSlow,
    HeadTooSlow,
    InvalidValue,
    MalformedRequest,
    Overloaded,
    StaleFeatures,
    StateAway,
    TooManyRows,
    UnknownTarget,
    WrongContentType,
    WrongMethod,
)
from headrace.serving.exchange import Header, Response, json_response

_LOG = logging.getLogger("headrace.serving")
_CLOSE = (b"connection", b"close")

# The first class that an error descends from decides.
_STATUSES: tuple[tuple[type[HeadraceError], int, str], ...] = (
    (InvalidValue, 422, "invalid_value"),
    (MalformedRequest, 400, "malformed_request"),
    (UnknownTarget, 404, "not_found"),
    (WrongMethod, 405, "method_not_allowed"),
    (WrongContentType, 415, "unsupported_media_type"),
    (BodyTooLarge, 413, "body_too_large"),
    (TooManyRows, 413, "too_many_rows"),
    (HeadTooSlow, 408, "head_too_slow"),
    (BodyTooSlow, 408, "body_too_slow"),
    (Overloaded, 429, "overloaded"),
    (StateAway, 503, "state_away"),
    (StaleFeatures, 503, "stale"),
    (UserError, 422, "refused"),
)


def problem_response(error: Exception, bare: bool) -> Response:
    """Return the answer that tells an error: `{"error": {...}}`, or with `bare` the Open Inference Protocol's `{"error": "text"}`.

    What is not the asker's to mend is logged with its trace here, and told as an internal error without it.
    """
    for kind, status, code in _STATUSES:
        if isinstance(error, kind):
            return json_response(status, {"error": _text(error) if bare else _facts(error, code)}, _headers(error))
    _LOG.error("a request failed", exc_info=error)
    message = "the server could not answer; its log says why"
    return json_response(500, {"error": message if bare else {"code": "internal", "message": message}})


def _text(error: HeadraceError) -> str:
    return f"{error.problem} {error.remedy}".strip()


def _facts(error: HeadraceError, code: str) -> dict[str, object]:
    facts: dict[str, object] = {"code": code, "message": error.problem}
    if error.remedy:
        facts["remedy"] = error.remedy
    if isinstance(error, InvalidValue):
        facts |= {"row": error.row, "field": error.field, "expected": error.expected, "came": error.came}
    if isinstance(error, StaleFeatures):
        facts |= {name: getattr(error, name) for name in ("feature", "table", "staleness_seconds", "limit_seconds")}
    return facts


def _headers(error: HeadraceError) -> tuple[Header, ...]:
    if isinstance(error, WrongMethod):
        return ((b"allow", ", ".join(error.allowed).encode()),)
    if isinstance(error, Overloaded | StateAway | StaleFeatures):
        return ((b"retry-after", str(error.retry_after_seconds).encode()),)
    # The rest of the body may still be on its way: do not read it.
    return (_CLOSE,) if isinstance(error, BodyTooLarge | BodyTooSlow | WrongContentType) else ()
