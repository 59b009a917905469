"""The door of the lake: from conformed rows to accepted ones, quarantined ones and duplicates, all counted, a chunk at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl
from msgspec.structs import replace

from headrace.expressions import DType
from headrace.ingest.again import FirstIngested
from headrace.ingest.conform import Conformed
from headrace.ingest.contract import QUARANTINE, Judged, Judgement, deletes, reasons_of
from headrace.ingest.findings import find_oddities
from headrace.ingest.inference import ColumnTypes
from headrace.ingest.large_profile import profile_staged
from headrace.ingest.profile import TableProfile
from headrace.ingest.remarks import say_zoneless
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, Ingested, RuleResult
from headrace.ingest.seen import Seen
from headrace.ingest.staging import Stage, Staged
from headrace.ingest.unchanged import Unchanged
from headrace.ingest.verdicts import (
    EXAMPLES,
    TYPES,
    Inspection,
    concealed_types,
    examples,
    final_types,
    only,
    refused,
    stop_if_broken,
    untyped,
)  # fmt: skip
from headrace.spec.expectations import Unique
from headrace.spec.tables import Entity, Table


@dataclass(frozen=True)
class Door:
    """What admission needs beside the rows."""

    table: Table
    now: datetime
    key: bytes
    previous: pl.LazyFrame | None
    scratch: Path
    heard: Callable[[int], None]


@dataclass(frozen=True)
class Sorted:
    """Rows by where they go; `refused` as they stand in quarantine."""

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
        self._inspection = Inspection(table, door.key)
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
        seen = self._inspection.inspect(chunk, self._columns, self._first_ingested.of)
        self._types = seen.types
        found = self._sort_out(seen.rows, seen.judged)

        self._judgement.add(TYPES, QUARANTINE, seen.bad.height, chunk.frame.height)
        for each, frame in found.judged:
            self._judgement.add(each.rule, each.severity, int(each.broken.sum()), len(each.broken))
            self._keep_examples(each, frame)
        self._stage(found, seen.bad)
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
        stop_if_broken(table, results, self._counts.examples)
        return Ingested(
            accepted=accepted,
            quarantined=self._quarantined.close(),
            rows_in=self._counts.rows_in,
            duplicates=self._counts.duplicates,
            types=final_types(self._types, table),
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

    def _sort_out(self, frame: pl.DataFrame, judged: Sequence[Judged]) -> Sorted:
        reasons = reasons_of(judged, frame.height)
        passed = only(frame, reasons.is_null())
        repeated = self._ids.repeated(passed)
        single = only(passed, ~repeated)
        unique = self._judge_unique(single)
        unique_reasons = reasons_of(unique, single.height)
        set_aside = (refused(frame, reasons), refused(single, unique_reasons))
        pairs = (*((each, frame) for each in judged), *((each, single) for each in unique))
        good = only(single, unique_reasons.is_null())
        unchanged = self._unchanged.repeated(good)
        return Sorted(only(good, ~unchanged), set_aside, int(repeated.sum()) + int(unchanged.sum()), pairs)

    def _judge_unique(self, frame: pl.DataFrame) -> list[Judged]:
        """Judge the rules of uniqueness, for rows that are not deletes."""
        if not self._unique:
            return []
        there = ~deletes(frame, concealed_types(self._types, self._door.table), self._door.table)
        found = []
        for rule, seen in self._unique:
            repeated = pl.Series(rule.title, [False], pl.Boolean).new_from_index(0, frame.height)
            if there.any():
                repeated = repeated.scatter(there.arg_true(), seen.repeated(only(frame, there)))
            found.append(Judged(rule.title, rule.severity, repeated))
        return found

    def _stage(self, found: Sorted, bad: pl.DataFrame) -> None:
        accepted = found.accepted.select(*final_types(self._types, self._door.table))
        self._accepted.write(accepted)
        self._judgement.accepted(accepted)
        self._quarantined.write(pl.concat([untyped(bad, self._door.now), *found.refused]).sort(ARRIVAL))

    def _keep_examples(self, judged: Judged, frame: pl.DataFrame) -> None:
        wanted = EXAMPLES - len(self._counts.examples)
        if judged.severity == "stop" and wanted > 0:
            self._counts.examples += examples(judged, frame, wanted)
