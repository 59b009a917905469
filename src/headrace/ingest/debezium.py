"""Messages of change data capture as Debezium writes them, made plain: from an envelope to the row as it is after the change.

An envelope has the row `before` and `after` the change, the operation `op` (`c` created, `u` updated, `d` deleted, `r` read by a
snapshot), `ts_ms`, when the connector saw it, and `source`, whose `ts_ms` is when the database made it (`ts_us`, where newer versions have
it). It may stand in the `payload` of a message that has its schema beside it. After a delete comes a message without a value for the log's
compaction, a tombstone: it says nothing new. https://debezium.io/documentation/reference/stable/connectors/postgresql.html

What Debezium's own ExtractNewRecordState makes of them is plain JSON already, and not for here.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from headrace.core.moments import EPOCH

OP, DELETED, CHANGED, CAPTURED = "_op", "_deleted", "_changed", "_captured"
"""The operation; whether it is a delete; when the database made the change; when the connector saw it."""

_Row = dict[str, msgspec.Raw]


class _Moment(msgspec.Struct):
    ts_ms: int | None = None
    ts_us: int | None = None

    def moment(self) -> datetime | None:
        """Return it, as finely as it is told."""
        if self.ts_us is None and self.ts_ms is None:
            return None
        return EPOCH + (timedelta(milliseconds=self.ts_ms or 0) if self.ts_us is None else timedelta(microseconds=self.ts_us))


class _Envelope(_Moment):
    op: str | None = None
    before: _Row | None = None
    after: _Row | None = None
    source: _Moment | None = None


class _Message(_Envelope):
    payload: _Envelope | None = None


_MESSAGES = msgspec.json.Decoder(_Message)
_KEYS = msgspec.json.Decoder(_Row)
_ENCODER = msgspec.json.Encoder()


class Change(NamedTuple):
    """What a message says: a row, the reason why it can not be read, or neither for a tombstone.

    Attributes:
        row: a JSON object: the row after the change, of a delete that before it; with `_op`, `_deleted`, `_changed` and `_captured`.
            Values are as they were written.
        reason: why there is none.
    """

    row: bytes | None = None
    reason: str = ""


def change_of(value: bytes | None, key: bytes | None = None) -> Change:
    """Return what a message says, given its value and its key, both JSON with or without a schema.

    Of a delete the columns of the key are taken where `before` has them not, as it has none where the database does not log them.
    """
    if value is None or not value.strip() or value.strip() == b"null":
        return Change()
    try:
        message = _MESSAGES.decode(value)
    except msgspec.ValidationError as error:
        return Change(reason=f"it is JSON, but no change: {error}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Change(reason="it is no JSON")
    except RecursionError:
        return Change(reason="it is JSON, but too deep")
    try:
        return _change(message.payload or message, key)
    except OverflowError:
        return Change(reason="its time is of no year from 1 to 9999")


def _change(envelope: _Envelope, key: bytes | None) -> Change:
    op = envelope.op
    if op in ("c", "u", "r"):
        return _told(envelope, envelope.after) if envelope.after else Change(reason=f"its op is {op!r}, but it has no after")
    if op == "d":
        gone = {**_key_columns(key), **(envelope.before or {})}
        return _told(envelope, gone) if gone else Change(reason="its op is 'd', but neither before nor its key says what is gone")
    if op is None:
        return Change(reason="it has no op, so it is no change")
    return Change(reason=f"its op is {op[:20]!r}, which is about no single row")


def _told(envelope: _Envelope, row: _Row) -> Change:
    made = envelope.source.moment() if envelope.source else None
    seen = envelope.moment()
    own: dict[str, Any] = {OP: envelope.op, DELETED: envelope.op == "d", CHANGED: made or seen, CAPTURED: seen or made}
    return Change(_ENCODER.encode({**row, **own}))


def _key_columns(key: bytes | None) -> _Row:
    """Return the columns that a key names; none for one that is no JSON object, which a topic's keys need not be."""
    try:
        columns = _KEYS.decode(key) if key else {}
        return _KEYS.decode(columns["payload"]) if columns.keys() == {"schema", "payload"} else columns
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
