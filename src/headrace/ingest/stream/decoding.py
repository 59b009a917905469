"""From messages to rows of a frame, many at a time; and to the reasons why some cannot be read."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from headrace.ingest.errors import ColumnProblem, SourceRefused
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.sources import RESERVED
from headrace.ingest.stream.messages import OFFSETS, Messages, Position, arrival_of, arrivals_of, failures_of
from headrace.ingest.stream.values import Numbers, Rows, ValueReader
from headrace.spec.streams import Kafka

_SHOWN = 1000
_NO_VALUE = "it has no value (it is a tombstone); tombstone='gone' of the source takes such messages in, with a column that says so"
_CLOCK = pl.Datetime("us", "UTC")
_OF_NO_YEAR_MS = 10**15
Header = tuple[str, bytes | None]


class Record(NamedTuple):
    """Messages of one partition, column by column. What the source does not ask for is left out: None for each, or empty."""

    offsets: list[int]
    values: list[bytes | None]
    keys: list[bytes | None]
    headers: list[Sequence[Header]]
    stamps_ms: list[int | None]

    @classmethod
    def of(cls, messages: Sequence[Any], source: Kafka) -> "Record":
        """Return messages as the library gives them, in columns."""
        keyed = source.key is not None or source.format == "debezium"
        return cls(
            [each.offset() for each in messages],
            [each.value() for each in messages],
            [each.key() for each in messages] if keyed else [None] * len(messages),
            [each.headers() or () for each in messages] if source.headers else [],
            [_stamp(each) for each in messages] if source.timestamp else [],
        )


class Lane(NamedTuple):
    """A partition: its topic, its number there, its number within the table, and what its offsets count, if that is more than the topic."""

    topic: str
    partition: int
    number: int
    origin: str = ""


class Decoder:
    """Makes rows of the messages of a source."""

    def __init__(self, source: Kafka, reader: ValueReader) -> None:
        """Take a source and what reads its values.

        Raises:
            ColumnProblem: if one of its columns has a name that Headrace keeps for itself.
        """
        for name in source.columns:
            if name in RESERVED:
                problem = f"the column {name!r} of {source.place} has a name that Headrace keeps for itself."
                raise ColumnProblem(problem, remedy="Choose another.", location=source.location)
        self._source, self._reader = source, reader

    def decode(self, lane: Lane, record: Record, end: int) -> Iterator[Messages]:
        """Give the rows of messages, in one piece unless their values have several forms; the last piece ends at the offset `end`.

        There is a piece even if there are no messages: that the position moves is told.

        Raises:
            SourceRefused: for a message whose offset is beyond what rows can be numbered by.
        """
        if end > OFFSETS:
            reason = f"partition {lane.partition} has more than {OFFSETS:,} messages"
            raise SourceRefused(self._source.place, reason, "Send what comes next to a new topic.", self._source.location)
        present = [number for number, value in enumerate(record.values) if value is not None]
        values = [value for value in record.values if value is not None]
        read = self._reader.read(values, [record.keys[number] for number in present])
        back = np.asarray(present, np.int64)
        unread = {present[number]: reason for number, reason in read.unread.items()}
        rows = [each._replace(messages=back[each.messages]) for each in read.rows]
        if len(present) < len(record.values):
            rows = self._with_tombstones(rows, record, unread)
        beside = self._beside(record, unread)
        rows = [self._filled(each, beside, unread) for each in rows if each.frame.height]
        yield from self._pieces(lane, record, end, rows, unread)

    def _with_tombstones(self, rows: list[Rows], record: Record, unread: dict[int, str]) -> list[Rows]:
        gone = [number for number, value in enumerate(record.values) if value is None]
        if self._source.format == "debezium":
            return rows  # the change before each has said that the thing is gone
        if self._source.tombstone is None:
            unread.update(dict.fromkeys(gone, _NO_VALUE))
            return rows
        empty = Rows(pl.DataFrame(height=len(gone)), np.asarray(gone, np.int64), np.zeros(len(gone), np.int64))
        return _merged(rows, empty)

    def _beside(self, record: Record, unread: dict[int, str]) -> pl.DataFrame:
        """Return what stands beside the values, by message, under the names of the columns it goes to."""
        source, columns = self._source, []
        if source.key is not None:
            columns.append(pl.Series(source.key, _texts(record.keys, "key", unread), pl.String))
        for name, column in source.headers.items():
            found = [next((value for key, value in reversed(headers or ()) if key == name), None) for headers in record.headers]
            columns.append(pl.Series(column, _texts(found, f"header {name!r}", unread), pl.String))
        if source.timestamp is not None:
            # Senders that write nanoseconds are beyond: as microseconds they might come round to a year that there is.
            stamps = pl.Series(source.timestamp, record.stamps_ms, pl.Int64).clip(-_OF_NO_YEAR_MS, _OF_NO_YEAR_MS) * 1000
            columns.append(stamps.cast(_CLOCK))
        if source.tombstone is not None:
            columns.append(pl.Series(source.tombstone, [value is None for value in record.values], pl.Boolean))
        return pl.DataFrame(columns)

    def _filled(self, rows: Rows, beside: pl.DataFrame, unread: dict[int, str]) -> Rows:
        frame = rows.frame
        for name in frame.columns:
            reason = self._why_not(name)
            if reason:
                hit = rows.messages[frame[name].is_not_null().to_numpy()]
                unread.update({number: reason for number in hit.tolist() if number not in unread})
                frame = frame.drop(name) if frame.width > 1 else pl.DataFrame(height=frame.height)
        added = beside[rows.messages].get_columns() if beside.width else []
        return rows._replace(frame=frame.with_columns(added) if added else frame)

    def _why_not(self, name: str) -> str:
        if name in RESERVED:
            return f"it has a field {name!r}, a name that Headrace keeps for itself"
        if name in self._source.columns:
            return f"it has a field {name!r}, a column that is filled from beside the value"
        return "" if name.strip() else "it has a field without a name"

    def _pieces(self, lane: Lane, record: Record, end: int, rows: list[Rows], unread: dict[int, str]) -> Iterator[Messages]:
        rows = rows or [Rows(pl.DataFrame(), np.empty(0, np.int64), np.empty(0, np.int64))]
        # A piece goes as far as the first message of the next one.
        begins = [0, *(int(each.messages[0]) for each in rows[1:]), len(record.offsets)]
        offsets = [*record.offsets, end]
        for each, first, after in zip(rows, begins[:-1], begins[1:], strict=True):
            begin = Position(offsets[first], lane.origin or lane.topic)
            failed = [
                (arrival_of(lane.number, offsets[n]), unread[n], _shown(record.values[n])) for n in range(first, after) if n in unread
            ]
            kept = _without(each, unread)
            places = pl.Series(ARRIVAL, np.asarray(record.offsets, np.int64)[kept.messages], pl.Int64)
            arrivals = arrivals_of(lane.number, places) + pl.Series(kept.within, dtype=pl.Int64)
            ended = Position(offsets[after], lane.origin or lane.topic)
            yield Messages(
                lane.topic, lane.number, begin, ended, kept.frame, arrivals.alias(ARRIVAL), failures_of(failed), self._reader.writing,
                lane.partition,
            )  # fmt: skip


def _merged(rows: list[Rows], empty: Rows) -> list[Rows]:
    """Return rows with those that have no value among them, in order: each in the piece whose messages lie around it."""
    if not rows:
        return [empty]
    merged = []
    for number, each in enumerate(rows):
        low = -1 if number == 0 else int(each.messages[0])
        high = int(rows[number + 1].messages[0]) if number + 1 < len(rows) else np.iinfo(np.int64).max
        here = (empty.messages > low) & (empty.messages < high)
        messages = np.concatenate([each.messages, empty.messages[here]])
        order = np.lexsort((np.concatenate([each.within, empty.within[here]]), messages))
        nothing = pl.DataFrame({name: pl.Series([None] * int(here.sum()), dtype=dtype) for name, dtype in each.frame.schema.items()})
        together = pl.concat([each.frame, nothing]) if each.frame.width else pl.DataFrame(height=len(messages))
        merged.append(Rows(together[order], messages[order], np.concatenate([each.within, empty.within[here]])[order]))
    return merged


def _without(rows: Rows, unread: dict[int, str]) -> Rows:
    if not unread:
        return rows
    kept: Numbers = np.flatnonzero(~np.isin(rows.messages, list(unread)))
    return Rows(rows.frame[kept], rows.messages[kept], rows.within[kept])


def _texts(found: Sequence[bytes | None], what: str, unread: dict[int, str]) -> list[str | None]:
    texts: list[str | None] = []
    for number, each in enumerate(found):
        try:
            texts.append(None if each is None else each.decode())
        except UnicodeDecodeError:
            unread.setdefault(number, f"its {what} is no text")
            texts.append(None)
    return texts


def _stamp(message: Any) -> int | None:
    kind, stamp = message.timestamp()
    return stamp if kind else None


def _shown(value: bytes | None) -> str | None:
    return None if value is None else value[:_SHOWN].decode("utf-8", "replace")
