"""The values of messages as rows: objects of JSON, changes as Debezium writes them, tables of Arrow.

Whatever reads them gives rows for all that can be read, and the reasons for those that cannot; what a value becomes does not depend on the
messages beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc

from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.debezium import change_of
from headrace.ingest.dialect import Dialect
from headrace.ingest.errors import UnsupportedColumn
from headrace.ingest.landing import usual_types
from headrace.ingest.rest.rows import frame_of
from headrace.ingest.stream.messages import ROWS, Writing

# A text that says 1 is no boolean, since a number that says 1 is none: which of them a column's values come as depends on the others.
_JSON = Writing(textual=frozenset({DType.DATETIME}), dialect=Dialect(digits_are_booleans=False))
_OBJECTS = msgspec.json.Decoder(dict[str, Any])
_UNREAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
Bytes = Sequence[bytes]
Numbers = NDArray[np.int64]


class Rows(NamedTuple):
    """Rows of one form.

    Attributes:
        messages: of each row, which of the messages it comes from; ascending.
        within: of each row, its number within the message.
    """

    frame: pl.DataFrame
    messages: Numbers
    within: Numbers


class Read(NamedTuple):
    """What messages say; `unread` gives the reason for each that says nothing, by its number."""

    rows: list[Rows]
    unread: dict[int, str]


class ValueReader(Protocol):
    """Reads the values of messages."""

    @property
    def writing(self) -> Writing:
        """How the rows are written."""
        ...

    def read(self, values: Bytes, keys: Sequence[bytes | None]) -> Read:
        """Return the rows, in the order of the messages. Whatever a message holds, the others are read."""
        ...


class JsonReader:
    """Satisfies `ValueReader` for objects of JSON, one a message: a field is a column, one that is not there is null.

    What has no one plain type is text; objects and lists within are JSON.
    """

    writing = _JSON

    def read(self, values: Bytes, keys: Sequence[bytes | None]) -> Read:  # noqa: ARG002  a key says nothing of the value
        try:
            return Read([_plain([_OBJECTS.decode(value) for value in values], range(len(values)))], {})
        except _UNREAD:
            return _one_by_one(values, _object)


class DebeziumReader:
    """Satisfies `ValueReader` for messages of change data capture: see `headrace.ingest.debezium`."""

    writing = _JSON

    def read(self, values: Bytes, keys: Sequence[bytes | None]) -> Read:
        objects, numbers, unread = [], [], {}
        for number, (value, key) in enumerate(zip(values, keys, strict=True)):
            change = change_of(value, key)
            if change.row is None:
                if change.reason:
                    unread[number] = change.reason
                continue
            try:
                objects.append(_OBJECTS.decode(change.row))
                numbers.append(number)
            except _UNREAD as error:
                unread[number] = _why(error)
        return Read([_plain(objects, numbers)], unread)


class ArrowReader:
    """Satisfies `ValueReader` for Arrow IPC streams: tables of at most 8,192 rows, one a message."""

    writing = Writing()

    def read(self, values: Bytes, keys: Sequence[bytes | None]) -> Read:  # noqa: ARG002  a key says nothing of the value
        tables: list[tuple[int, pl.DataFrame]] = []
        unread: dict[int, str] = {}
        for number, value in enumerate(values):
            try:
                tables.append((number, _table(value)))
            except (pa.ArrowException, OSError, pl.exceptions.PolarsError, UnsupportedColumn, _TooMany) as error:
                unread[number] = f"it is no Arrow IPC stream of rows ({' '.join(str(error).split())[:200]})"
        return Read(list(_together(tables)), unread)


class _TooMany(ValueError):
    pass


def _table(value: bytes) -> pl.DataFrame:
    with ipc.open_stream(value) as stream:
        table = stream.read_all()
    table.validate(full=True)  # it came from elsewhere: what does not hold together is not to be read
    if table.num_rows > ROWS:
        raise _TooMany(f"it has {counted(table.num_rows, 'row')}; a message has at most {ROWS:,} of them")
    return usual_types(pl.DataFrame(table))


def _together(tables: Sequence[tuple[int, pl.DataFrame]]) -> Iterator[Rows]:
    """Give tables that follow each other and have one form as one: values of other types do not mix without a loss."""
    begin = 0
    for end in range(1, len(tables) + 1):
        if end == len(tables) or tables[end][1].schema != tables[begin][1].schema:
            some = tables[begin:end]
            messages = np.repeat([number for number, _ in some], [frame.height for _, frame in some]).astype(np.int64)
            within = np.concatenate([np.arange(frame.height) for _, frame in some])
            yield Rows(pl.concat([frame for _, frame in some]), messages, within)
            begin = end


def _plain(objects: list[dict[str, Any]], numbers: Sequence[int]) -> Rows:
    frame = frame_of(objects)[0]
    # Objects without any field are rows all the same.
    return Rows(
        frame if frame.width else pl.DataFrame(height=len(objects)), np.asarray(numbers, np.int64), np.zeros(len(objects), np.int64)
    )


def _one_by_one(values: Bytes, read: Callable[[bytes], dict[str, Any]]) -> Read:
    objects, numbers, unread = [], [], {}
    for number, value in enumerate(values):
        try:
            objects.append(read(value))
            numbers.append(number)
        except _UNREAD as error:
            unread[number] = _why(error)
    return Read([_plain(objects, numbers)], unread)


def _object(value: bytes) -> dict[str, Any]:
    found: dict[str, Any] = _OBJECTS.decode(value)
    return found


def _why(error: Exception) -> str:
    """Return why a value cannot be read; what it says is in none of these words."""
    if isinstance(error, msgspec.ValidationError) and "out of range" not in str(error):
        return "it is JSON, but no object"
    if isinstance(error, RecursionError):
        return "it is JSON, but too deep"
    told = str(error)
    return f"it is no JSON ({told if told.startswith('JSON') else told[0].lower() + told[1:]})"
