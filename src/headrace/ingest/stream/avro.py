"""Avro values: records without a header, or with the one that schema registries give them."""

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from headrace.expressions import DType
from headrace.ingest.errors import FormatNeedsExtra, SourceUnreadable, UnsupportedColumn
from headrace.ingest.python_rows import as_text, frame_of
from headrace.ingest.stream.messages import Writing
from headrace.ingest.stream.values import Bytes, Read, Rows
from headrace.spec.streams import Kafka

_PLAIN = {
    "boolean": DType.BOOL, "int": DType.INT, "long": DType.INT, "float": DType.FLOAT, "double": DType.FLOAT, "string": DType.STRING,
    "enum": DType.STRING, "record": DType.STRING, "error": DType.STRING, "array": DType.STRING, "map": DType.STRING,
}  # fmt: skip
_LOGICAL = {
    "decimal": DType.FLOAT, "uuid": DType.STRING, "date": DType.DATETIME, "time-millis": DType.DURATION, "time-micros": DType.DURATION,
    "timestamp-millis": DType.DATETIME, "timestamp-micros": DType.DATETIME, "timestamp-nanos": DType.DATETIME,
    "local-timestamp-millis": DType.DATETIME, "local-timestamp-micros": DType.DATETIME,
}  # fmt: skip
_HEADER_BYTES = 5
"""A zero and four bytes that number the schema in its registry."""
# What the library raises for bytes that are no such record: it reads on until something does not fit.
_UNREAD = (ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError, MemoryError, RecursionError)


class AvroReader:
    """Satisfies `ValueReader` for records that were written with one schema, which is the declared one."""

    def __init__(self, schema: Any, read: Callable[..., Any]) -> None:
        self._schema, self._read_record = schema, read
        self._names = tuple(field["name"] for field in schema["fields"])
        types = {field["name"]: _type_of(field["name"], field["type"]) for field in schema["fields"]}
        self._told = frozenset(field["name"] for field in schema["fields"] if _is_told(field["type"]))
        self.writing = Writing(types)

    def read(self, values: Bytes, keys: Sequence[bytes | None]) -> Read:  # noqa: ARG002  a key says nothing of the value
        records, numbers, unread = [], [], {}
        for number, value in enumerate(values):
            record = self._record(value)
            if isinstance(record, str):
                unread[number] = record
                continue
            records.append([_as_told(name, record[name]) if name in self._told else record[name] for name in self._names])
            numbers.append(number)
        frame = frame_of(self._names, records)[0]
        return Read([Rows(frame, np.asarray(numbers, np.int64), np.zeros(len(numbers), np.int64))], unread)

    def _record(self, value: bytes) -> dict[str, Any] | str:
        """Return the record, or why there is none. A header is known by what it leaves: a record to the last byte."""
        plain = self._whole(value, 0)
        framed = self._whole(value, _HEADER_BYTES) if len(value) >= _HEADER_BYTES and value[0] == 0 else None
        if plain is None and framed is None:
            return "it is no record of the declared Avro schema"
        if plain is not None and framed is not None and plain != framed:
            return "it is a record of the declared Avro schema both with and without the header of a schema registry"
        return framed if plain is None else plain  # type: ignore[return-value]  # one of them is there

    def _whole(self, value: bytes, start: int) -> dict[str, Any] | None:
        stream = BytesIO(value)
        stream.seek(start)
        try:
            record = self._read_record(stream, self._schema)
        except _UNREAD:
            return None
        return None if stream.read(1) else record


def open_avro(source: Kafka, root: Path) -> AvroReader:
    """Return the reader of the schema that a source declares.

    Raises:
        FormatNeedsExtra: if the library is not installed.
        SourceUnreadable: if the schema is not there, or is none of a record.
        UnsupportedColumn: for a field of a type that tables do not hold.
    """
    try:
        from fastavro import parse_schema, schemaless_reader  # an extra
        from fastavro.schema import SchemaParseException, UnknownType
    except ModuleNotFoundError as error:
        raise FormatNeedsExtra(source.place, "kafka", source.location) from error
    text = source.schema or ""
    try:
        written = text if text.lstrip().startswith("{") else (root / text).read_text(encoding="utf-8")
        schema = parse_schema(json.loads(written), _write_hint=False)
    except (OSError, ValueError, KeyError, TypeError, SchemaParseException, UnknownType) as error:
        problem = f"the Avro schema of {source.place} cannot be read: {error or type(error).__name__}."
        remedy = "Give schema= the schema as JSON text, or the path of a file that holds it."
        raise SourceUnreadable(problem, remedy=remedy, location=source.location) from error
    if not isinstance(schema, dict) or schema.get("type") not in ("record", "error"):
        remedy = "A table is made of records: give schema= the schema of one."
        raise SourceUnreadable(f"the Avro schema of {source.place} is none of a record.", remedy=remedy, location=source.location)
    return AvroReader(schema, schemaless_reader)


def _branches(kind: Any) -> list[Any]:
    return [each for each in (kind if isinstance(kind, list) else [kind]) if each != "null" and each != {"type": "null"}]


def _type_of(name: str, kind: Any) -> DType:
    found = {_type_of_one(name, each) for each in _branches(kind)}
    if not found:
        return DType.STRING
    return found.pop() if len(found) == 1 else DType.FLOAT if found == {DType.INT, DType.FLOAT} else DType.STRING


def _type_of_one(name: str, kind: Any) -> DType:
    if isinstance(kind, dict) and kind.get("logicalType") in _LOGICAL:
        return _LOGICAL[kind["logicalType"]]
    plain = kind["type"] if isinstance(kind, dict) else kind
    if isinstance(plain, dict | list):
        return _type_of(name, plain)
    if plain in ("bytes", "fixed"):
        raise UnsupportedColumn(name, plain)
    return _PLAIN.get(plain, DType.STRING)  # a name: that of a record or an enum defined before


def _is_told(kind: Any) -> bool:
    """Tell whether a field's values are of several kinds, or of no plain one, so that each is put into words by itself."""
    kinds = _branches(kind)
    several = len(kinds) > 1 and _type_of("", kind) is DType.STRING
    return several or any(isinstance(each, dict) and each.get("type") in ("record", "array", "map") for each in kinds)


def _as_told(name: str, value: Any) -> str | None:
    return str(value).lower() if isinstance(value, bool) else as_text(name, value)
