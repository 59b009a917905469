"""The door of the lake: from conformed rows to accepted ones, quarantined ones and duplicates, all counted, a chunk at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl
from msgspec.structs import replace

from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.again import FirstIngested
from headrace.ingest.column_types import POLARS_TYPES
from headrace.ingest.conform import Conformed, split_failures
from headrace.ingest.contract import QUARANTINE, Judged, Judgement, deletes, judge_rows, reasons_of
from headrace.ingest.errors import ContractBroken
from headrace.ingest.findings import find_oddities
from headrace.ingest.inference import ColumnTypes
from headrace.ingest.large_profile import profile_staged
from headrace.ingest.mapping import add_columns, require_columns
from headrace.ingest.privacy import conceal, personal_sources
from headrace.ingest.profile import TableProfile
from headrace.ingest.remarks import say_zoneless
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, REASON, ROW, Ingested, RuleResult
from headrace.ingest.seen import Seen
from headrace.ingest.staging import Stage, Staged
from headrace.ingest.unchanged import Unchanged
from headrace.spec.expectations import Unique
from headrace.spec.tables import Derived, Entity, Table

_EXAMPLES = 3
_TYPES = "types"


@dataclass(frozen=True)
class Door:
    """What admission needs beside the rows."""

    table: Table
    now: datetime
    key: bytes
    previous: pl.LazyFrame | None
    scratch: Path
    heard: Callable[[int], None]

    def conceal(self, frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
        """Return the frame with personal columns as pseudonyms; what a derived table has from its inputs is pseudonyms already."""
        return conceal(frame, columns, self.key, keep_pseudonyms=isinstance(self.table, Derived))


@dataclass(frozen=True)
class Sorted:
    """Rows by where they go; `refused` have their `_reason`."""

    accepted: pl.DataFrame
    refused: tuple[pl.DataFrame, ...]
    duplicates: int
    judged: tuple[tuple[Judged, pl.DataFrame], ...]


@dataclass
class _Counts:
    rows_in: int = 0
    duplicates: int = 0
    zoneless: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


class Admission:
    """Maps, judges and sorts out the rows of a table, which are given in order, in chunks.

    Rules see personal columns in plain, so that they can judge them; nothing that leaves here does. Of rows with one id the first stays,
    among those that break no rule about a row; an entity's row without an id stays unless it repeats the one of its key before it. Beside
    a chunk it keeps in memory 12 bytes for each row of a table with an id, 16 for each key of an entity without one, 12 a row for each
    rule of uniqueness, and 20 for each row of the last time where their moment of ingestion is asked for.
    """

    def __init__(self, door: Door, columns: ColumnTypes) -> None:
        table = door.table
        self._door = door
        self._columns = columns
        self._types: dict[str, DType] = {}
        self._counts = _Counts()
        self._judgement = Judgement(table)
        self._first_ingested = FirstIngested(table.id, door.previous, door.now)
        self._ids = Seen(table.id)
        self._unique = [(rule, Seen(rule.of)) for rule in table.expect if isinstance(rule, Unique)]
        self._unchanged = Unchanged(table.key if isinstance(table, Entity) and not table.id else ())
        self._accepted = Stage(door.scratch, "accepted")
        self._quarantined = Stage(door.scratch, "quarantined")

    def take(self, chunk: Conformed) -> None:
        """Take the next rows.

        Raises:
            ColumnProblem, ExpressionTypeError: if the declaration does not fit the rows.
        """
        door, table = self._door, self._door.table
        good, bad = split_failures(chunk, lambda frame: door.conceal(frame, personal_sources(table)))
        plain = self._mapped(good)
        concealed = door.conceal(plain, table.personal)
        ingested = self._first_ingested.of(concealed)
        judged = judge_rows(plain.with_columns(ingested), self._types, table)
        found = self._sort_out(concealed.with_columns(ingested), judged)

        self._judgement.add(_TYPES, QUARANTINE, bad.height, chunk.frame.height)
        for each, frame in found.judged:
            self._judgement.add(each.rule, each.severity, int(each.broken.sum()), len(each.broken))
            self._keep_examples(each, frame)
        self._stage(found, bad)
        self._counts.rows_in += chunk.frame.height
        self._counts.duplicates += found.duplicates
        self._counts.zoneless.update(chunk.zoneless)

    def close(self, remarks: Iterable[RuleResult] = ()) -> Ingested:
        """Return the outcome, with remarks after the contract's results; at least one chunk was taken, be it one of no rows.

        Raises:
            ContractBroken: if a rule whose severity is `stop` is broken.
            ColumnProblem: if the declaration does not fit the rows.
        """
        accepted, table = self._accepted.close(), self._door.table
        self._ids, self._unique, self._unchanged = Seen(()), [], Unchanged(())  # no more rows come, and a profile takes its own room
        results = (*self._judgement.results(accepted.height, self._door.now), *remarks, *say_zoneless(self._counts.zoneless))
        _stop_if_broken(table, results, self._counts.examples)
        return Ingested(
            accepted=accepted,
            quarantined=self._quarantined.close(),
            rows_in=self._counts.rows_in,
            duplicates=self._counts.duplicates,
            types=_final_types(self._types, table),
            source_types={**dict.fromkeys(self._columns.types, DType.NULL), **self._columns.known},
            results=results,
            profile=self._profile(accepted),
        )

    def _profile(self, accepted: Staged) -> TableProfile:
        columns, table = [name for name in accepted.schema if name not in (ARRIVAL, INGESTED_AT)], self._door.table
        profile = profile_staged(accepted, columns, self._still_here)
        found = find_oddities(self._heeded(accepted.frames()), profile, identity=table.id, personal=table.personal, arrival=ARRIVAL)
        return replace(profile, findings=found)

    def _heeded(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        for frame in frames:
            self._still_here()
            yield frame

    def _still_here(self) -> None:
        self._door.heard(self._counts.rows_in)

    def _mapped(self, good: pl.DataFrame) -> pl.DataFrame:
        table, columns = self._door.table, self._columns
        frame, types = add_columns(good, columns.types, table)
        without_value = frozenset(columns.types) - frozenset(columns.known) - frozenset(table.columns)
        times = require_columns(table, types, without_value)
        self._types = types | times
        return frame.with_columns(pl.col(name).cast(POLARS_TYPES[kind]) for name, kind in times.items())

    def _sort_out(self, frame: pl.DataFrame, judged: Sequence[Judged]) -> Sorted:
        reasons = reasons_of(judged, frame.height)
        passed = _only(frame, reasons.is_null())
        repeated = self._ids.repeated(passed)
        single = _only(passed, ~repeated)
        unique = self._judge_unique(single)
        unique_reasons = reasons_of(unique, single.height)
        refused = (_with_reasons(frame, reasons), _with_reasons(single, unique_reasons))
        pairs = (*((each, frame) for each in judged), *((each, single) for each in unique))
        good = _only(single, unique_reasons.is_null())
        unchanged = self._unchanged.repeated(good)
        return Sorted(_only(good, ~unchanged), refused, int(repeated.sum()) + int(unchanged.sum()), pairs)

    def _judge_unique(self, frame: pl.DataFrame) -> list[Judged]:
        """Judge the rules of uniqueness, for rows that are not deletes."""
        if not self._unique:
            return []
        there = ~deletes(frame, _concealed_types(self._types, self._door.table), self._door.table)
        found = []
        for rule, seen in self._unique:
            repeated = pl.Series(rule.title, [False], pl.Boolean).new_from_index(0, frame.height)
            if there.any():
                repeated = repeated.scatter(there.arg_true(), seen.repeated(_only(frame, there)))
            found.append(Judged(rule.title, rule.severity, repeated))
        return found

    def _stage(self, found: Sorted, bad: pl.DataFrame) -> None:
        accepted = found.accepted.select(*_final_types(self._types, self._door.table))
        self._accepted.write(accepted)
        self._judgement.accepted(accepted)
        moment = pl.lit(self._door.now).cast(POLARS_TYPES[DType.DATETIME]).alias(INGESTED_AT)
        untyped = bad.select(ARRIVAL, moment, REASON, ROW)
        self._quarantined.write(pl.concat([untyped, *(_as_quarantine(frame) for frame in found.refused)]).sort(ARRIVAL))

    def _keep_examples(self, judged: Judged, frame: pl.DataFrame) -> None:
        wanted = _EXAMPLES - len(self._counts.examples)
        if judged.severity == "stop" and wanted > 0:
            rows = frame.filter(judged.broken).head(wanted).with_columns(pl.lit("").alias(REASON))
            self._counts.examples += _as_quarantine(rows)[ROW].to_list()


def _only(frame: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    # Polars copies the whole frame even when every row is wanted, which is the usual case.
    return frame if wanted.all() else frame.filter(wanted)


def _with_reasons(frame: pl.DataFrame, reasons: pl.Series) -> pl.DataFrame:
    return frame.with_columns(reasons.alias(REASON)).filter(pl.col(REASON).is_not_null())


def _as_quarantine(frame: pl.DataFrame) -> pl.DataFrame:
    row = pl.struct(pl.exclude(ARRIVAL, INGESTED_AT, REASON)).struct.json_encode()
    return frame.select(ARRIVAL, INGESTED_AT, pl.col(REASON).cast(pl.String), row.cast(pl.String).alias(ROW))


def _stop_if_broken(table: Table, results: Sequence[RuleResult], examples: Sequence[str]) -> None:
    stops = [each for each in results if each.severity == "stop" and not each.passed]
    if stops:
        broken = [(each.rule, each.detail or f"{each.failed:,} of {counted(each.checked, 'row')}") for each in stops]
        raise ContractBroken(table.name, broken, examples, table.location)


def _concealed_types(types: Mapping[str, DType], table: Table) -> dict[str, DType]:
    return {name: DType.STRING if name in table.personal else kind for name, kind in types.items()}


def _final_types(types: dict[str, DType], table: Table) -> dict[str, DType]:
    own = _concealed_types(types, table)
    return {**own, ARRIVAL: DType.INT, INGESTED_AT: DType.DATETIME}
