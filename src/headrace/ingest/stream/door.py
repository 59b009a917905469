"""The door of a table that is streamed: from messages to accepted and quarantined rows, a micro-batch at a time.

What is late and what came before is not judged here: that takes what the state remembers.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import polars as pl

from headrace.expressions import DType
from headrace.ingest.column_types import POLARS_TYPES
from headrace.ingest.conform import Conformed, conform
from headrace.ingest.contract import QUARANTINE, reasons_of
from headrace.ingest.errors import ColumnProblem
from headrace.ingest.evolution import follow
from headrace.ingest.inference import ColumnTypes
from headrace.ingest.raw import RawTable
from headrace.ingest.remarks import remark
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, REASON, ROW, RuleResult
from headrace.ingest.stream.messages import OFFSET, PARTITION, TEXT, TOPIC, Messages, place_of
from headrace.ingest.stream.pinning import pin_types, types_of_source
from headrace.ingest.verdicts import EXAMPLES, TYPES, Inspected, Inspection, examples, final_types, only, refused, stop_if_broken, untyped
from headrace.spec.errors import SpecError
from headrace.spec.expectations import Unique
from headrace.spec.tables import Entity, Events

READABLE = "readable"
_MOST_NAMED = 100
"""How many columns that are left out are told by name: where names are made of values there is no end to them."""
_NOW_TYPE = POLARS_TYPES[DType.DATETIME]
_PLACE = pl.Schema({TOPIC: pl.String(), PARTITION: pl.Int64(), OFFSET: pl.Int64()})
QUARANTINED = pl.Schema({ARRIVAL: pl.Int64(), INGESTED_AT: _NOW_TYPE, REASON: pl.String(), ROW: pl.String(), **_PLACE})


class Taken(NamedTuple):
    """What became of some messages: each of their rows is accepted or quarantined, and so is each that could not be read.

    Attributes:
        accepted: the table's rows, with `_arrival` and `_ingested`, in the order in which they came; always the same columns,
            and none as long as they are not known: before the first row that can be read.
        quarantined: `_arrival`, `_ingested`, `_reason`, `_row`, and `_topic`, `_partition`, `_offset` of the message.
        results: how the rows met each rule, to be added up over batches by rule and severity.
    """

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    results: tuple[RuleResult, ...]


class StreamDoor:
    """Maps, judges and sorts out the rows of a stream: what `Admission` does for a table that is read whole.

    Attributes:
        pins: the types of the source's columns, by which every row is held; None before the first row. They are `table.types` and what
            the source says itself; the others are those of the first rows. Whoever keeps the position keeps these beside it.
    """

    def __init__(self, table: Events | Entity, key: bytes, pins: Mapping[str, DType] | None = None) -> None:
        _refuse_what_streams_have_not(table)
        self._table = table
        self._inspection = Inspection(table, key)
        self._left_out: set[str] = set()
        self.pins = None if pins is None else {**pins, **types_of_source(table)}

    def take(self, messages: Messages, now: datetime) -> Taken:
        """Return what becomes of messages that came at a moment.

        Raises:
            ContractBroken: if a rule whose severity is `stop` is broken: none of the rows is to be kept.
            ColumnProblem, ExpressionTypeError, UnknownColumn: if the declaration does not fit the rows.
            UnsupportedColumn: for a column of a type that tables do not hold.
        """
        frame = _renamed(messages, self._table)
        if self.pins is None:
            if not frame.height:
                return self._nothing_read(messages, now)
            self.pins = pin_types(frame, messages.writing, self._table)
        held, remarks = self._held(frame)
        conformed = conform(held, self.pins, messages.arrivals, messages.writing.dialect)
        seen = self._inspection.inspect(conformed, ColumnTypes(self.pins, self.pins), lambda rows: _moments(now, rows.height))
        results = (*self._results(seen, conformed, messages), *remarks, *_say_zoneless(conformed))
        stop_if_broken(self._table, results, list(_broken_rows(seen)))
        return self._sorted_out(seen, messages, now, results)

    def _sorted_out(self, seen: Inspected, messages: Messages, now: datetime, results: tuple[RuleResult, ...]) -> Taken:
        reasons = reasons_of(seen.judged, seen.rows.height)
        accepted = only(seen.rows, reasons.is_null()).select(*final_types(seen.types, self._table))
        aside = pl.concat([untyped(seen.bad, now), refused(seen.rows, reasons), self._unread(messages, now)]).sort(ARRIVAL)
        return Taken(accepted, _with_place(aside, messages), results)

    def _nothing_read(self, messages: Messages, now: datetime) -> Taken:
        count = messages.failures.height
        return Taken(pl.DataFrame(), _with_place(self._unread(messages, now), messages), (RuleResult(READABLE, QUARANTINE, count, count),))

    def _held(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[RuleResult]]:
        """Return the pinned columns, null where these rows have none, and what is said of others."""
        pins, remarks, others = self.pins or {}, [], 0
        for name in frame.columns:
            if name not in pins and (values := frame.height - frame[name].null_count()):
                if self._table.evolution.add == "refuse":
                    problem = f"the source of table {self._table.name!r} has a new column: {name!r}."
                    remedy = f'types={{{name!r}: ...}} takes it in, evolve=hr.Evolve(add="ignore") leaves it out.'
                    raise ColumnProblem(problem, remedy=remedy, location=self._table.evolution.location)
                if len(self._left_out) == _MOST_NAMED and name not in self._left_out:
                    others += values
                    continue
                self._left_out.add(name)
                said = f"the first rows had it not, and a stream's columns stay: types={{{name!r}: ...}} takes it in"
                remarks.append(remark(f"{name} is left out", values, said))
        if others:
            remarks.append(remark("more columns are left out", others, "put what has names without end into an object: it is JSON then"))
        missing = [pl.lit(None, POLARS_TYPES[kind]).alias(name) for name, kind in pins.items() if name not in frame.columns]
        return frame.with_columns(missing).select(*pins), remarks

    def _results(self, seen: Inspected, conformed: Conformed, messages: Messages) -> Iterator[RuleResult]:
        failed, rows = messages.failures.height, conformed.frame.height
        yield RuleResult(READABLE, QUARANTINE, failed, rows + failed)
        yield RuleResult(TYPES, QUARANTINE, seen.bad.height, rows)
        for each in seen.judged:
            yield RuleResult(each.rule, each.severity, int(each.broken.sum()), len(each.broken))

    def _unread(self, messages: Messages, now: datetime) -> pl.DataFrame:
        """Return messages that cannot be read as they stand in quarantine. What they say may be personal, and cannot be told apart."""
        text, reason = pl.col(TEXT), pl.col(REASON)
        if self._table.personal:
            text, reason = pl.lit(None, pl.String), reason + "; it is not shown, since the table has personal columns"
        row = pl.struct(text.alias("text")).struct.json_encode()
        return untyped(messages.failures.select(ARRIVAL, reason.alias(REASON), row.alias(ROW)), now)


def _refuse_what_streams_have_not(table: Events | Entity) -> None:
    for rule in table.expect:
        if isinstance(rule, Unique):
            raise SpecError(
                f"table {table.name!r} is streamed, and expects {rule.title}: that takes all rows there ever were.",
                remedy="Name the columns with id=: rows that come again are dropped, for as long as remember= of the source says.",
                location=rule.location,
            )
    if table.evolution.widen != "quarantine":
        raise SpecError(
            f"table {table.name!r} is streamed, and widen={table.evolution.widen!r} would read again what came before.",
            remedy=f"Leave widen= out, and say in types= of {table.name!r} which columns have decimals; rows of other types are set aside.",
            location=table.evolution.location,
        )


def _renamed(messages: Messages, table: Events | Entity) -> pl.DataFrame:
    if not table.evolution.rename:
        return messages.frame
    raw = RawTable(tuple(messages.frame.columns), messages.writing.textual, lambda: iter([messages.frame]))
    return next(follow(raw, None, table, messages.writing.dialect).raw.chunks())


def _moments(now: datetime, height: int) -> pl.Series:
    return pl.Series(INGESTED_AT, [now], _NOW_TYPE).new_from_index(0, height)


def _broken_rows(seen: Inspected) -> Iterator[str]:
    left = EXAMPLES
    for each in seen.judged:
        if each.severity == "stop" and left:
            told = examples(each, seen.rows, left)
            left -= len(told)
            yield from told


def _with_place(rows: pl.DataFrame, messages: Messages) -> pl.DataFrame:
    _, offset = place_of(pl.col(ARRIVAL))
    topic = pl.lit(messages.topic or None, pl.String)
    partition = pl.lit(messages.partition if messages.of_topic is None else messages.of_topic, pl.Int64)
    return rows.with_columns(topic.alias(TOPIC), partition.alias(PARTITION), offset.alias(OFFSET)).select(*QUARANTINED)


def _say_zoneless(conformed: Conformed) -> Iterator[RuleResult]:
    for column, rows in conformed.zoneless.items():
        yield remark(f"{column} has no zone", rows, "its times are taken for UTC")
