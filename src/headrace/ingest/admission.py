"""The door of the lake: from conformed rows to accepted ones, quarantined ones and duplicates, all counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from headrace.expressions import DType
from headrace.ingest.again import first_ingested
from headrace.ingest.column_types import POLARS_TYPES
from headrace.ingest.conform import Conformed, split_failures
from headrace.ingest.contract import QUARANTINE, Judged, is_duplicate, judge_rows, judge_table, judge_unique, reasons_of
from headrace.ingest.errors import ContractBroken
from headrace.ingest.mapping import add_columns, require_columns
from headrace.ingest.privacy import conceal, personal_sources
from headrace.ingest.profile import profile_table
from headrace.ingest.remarks import say_zoneless
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, Ingested, RuleResult
from headrace.spec.tables import Derived, Table

_EXAMPLES = 3
_REASON, _ROW = "_reason", "_row"


@dataclass(frozen=True)
class Door:
    """What admission needs beside the rows."""

    table: Table
    now: datetime
    key: bytes
    previous: pl.LazyFrame | None

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


def admit(conformed: Conformed, door: Door) -> Ingested:
    """Map, judge and sort out the rows.

    Rules see personal columns in plain, so that they can judge them; nothing that leaves here does. Of rows with one id the first stays,
    among those that break no rule about a row.

    Raises:
        ContractBroken: if a rule whose severity is `stop` is broken.
        ColumnProblem, ExpressionTypeError: if the declaration does not fit the rows.
    """
    table = door.table
    good, bad, bad_reasons = split_failures(conformed, lambda frame: door.conceal(frame, personal_sources(table)))
    plain, types = _mapped(good, conformed, table)
    concealed = door.conceal(plain, table.personal)
    ingested = first_ingested(concealed, table.id, door.previous, door.now)
    judged = judge_rows(plain.with_columns(ingested), types, table)
    found = _sort_out(concealed.with_columns(ingested), judged, table)

    results = [RuleResult("types", QUARANTINE, bad.height, conformed.frame.height), *(each.result() for each, _ in found.judged)]
    results += judge_table(found.accepted, table, door.now)
    results += say_zoneless(conformed.zoneless)
    _stop_if_broken(table, results, found.judged)
    bad = bad.with_columns(bad_reasons, pl.lit(door.now).cast(POLARS_TYPES[DType.DATETIME]).alias(INGESTED_AT))
    kinds = _final_types(types, table)
    accepted = found.accepted.select(*kinds)
    return Ingested(
        accepted=accepted,
        quarantined=pl.concat([_as_quarantine(frame) for frame in (bad, *found.refused)]).sort(ARRIVAL),
        rows_in=conformed.frame.height,
        duplicates=found.duplicates,
        types=kinds,
        source_types=dict(conformed.known),
        results=tuple(results),
        profile=profile_table(accepted.drop(ARRIVAL, INGESTED_AT)),
    )


def _mapped(good: pl.DataFrame, conformed: Conformed, table: Table) -> tuple[pl.DataFrame, dict[str, DType]]:
    frame, types = add_columns(good, conformed.types, table)
    without_value = frozenset(conformed.types) - frozenset(conformed.known) - frozenset(table.columns)
    times = require_columns(table, types, without_value)
    return frame.with_columns(pl.col(name).cast(POLARS_TYPES[kind]) for name, kind in times.items()), types | times


def _sort_out(frame: pl.DataFrame, judged: Sequence[Judged], table: Table) -> Sorted:
    reasons = reasons_of(judged, frame.height)
    passed = _only(frame, reasons.is_null())
    repeated = is_duplicate(passed, table.id)
    single = _only(passed, ~repeated)
    unique = judge_unique(single, table)
    unique_reasons = reasons_of(unique, single.height)
    refused = (_with_reasons(frame, reasons), _with_reasons(single, unique_reasons))
    pairs = (*((each, frame) for each in judged), *((each, single) for each in unique))
    return Sorted(_only(single, unique_reasons.is_null()), refused, int(repeated.sum()), pairs)


def _only(frame: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    # Polars copies the whole frame even when every row is wanted, which is the usual case.
    return frame if wanted.all() else frame.filter(wanted)


def _with_reasons(frame: pl.DataFrame, reasons: pl.Series) -> pl.DataFrame:
    return frame.with_columns(reasons.alias(_REASON)).filter(pl.col(_REASON).is_not_null())


def _as_quarantine(frame: pl.DataFrame) -> pl.DataFrame:
    row = pl.struct(pl.exclude(ARRIVAL, INGESTED_AT, _REASON)).struct.json_encode()
    return frame.select(ARRIVAL, INGESTED_AT, pl.col(_REASON).cast(pl.String), row.cast(pl.String).alias(_ROW))


def _stop_if_broken(table: Table, results: Sequence[RuleResult], judged: Sequence[tuple[Judged, pl.DataFrame]]) -> None:
    stops = [each for each in results if each.severity == "stop" and not each.passed]
    broken = [(each.rule, each.detail or f"{each.failed} of {each.checked} rows") for each in stops]
    if not broken:
        return
    rows = [frame.filter(each.broken).head(_EXAMPLES) for each, frame in judged if each.severity == "stop"]
    examples = [row for frame in rows for row in _as_quarantine(frame.with_columns(pl.lit("").alias(_REASON)))[_ROW].to_list()]
    raise ContractBroken(table.name, broken, examples[:_EXAMPLES], table.location)


def _final_types(types: dict[str, DType], table: Table) -> dict[str, DType]:
    own = {name: DType.STRING if name in table.personal else kind for name, kind in types.items()}
    return {**own, ARRIVAL: DType.INT, INGESTED_AT: DType.DATETIME}
