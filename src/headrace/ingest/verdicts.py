"""What becomes of conformed rows by the contract: the steps that tables read whole and tables that are streamed have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.column_types import POLARS_TYPES
from headrace.ingest.conform import Conformed, split_failures
from headrace.ingest.contract import Judged, judge_rows
from headrace.ingest.errors import ContractBroken
from headrace.ingest.inference import ColumnTypes
from headrace.ingest.mapping import mapped
from headrace.ingest.privacy import conceal, personal_sources
from headrace.ingest.requests import ARRIVAL, INGESTED_AT, REASON, ROW, RuleResult
from headrace.spec.tables import Derived, Table

EXAMPLES = 3
TYPES = "types"


@dataclass(frozen=True)
class Inspected:
    """Rows that were held to the contract; nothing that is personal is plain here.

    Attributes:
        rows: those that have their types, with the table's columns, `_arrival` and `_ingested`.
        bad: `_arrival`, `_reason` and `_row` of those that have not.
        judged: how `rows` met each rule about a row.
        types: the types of the table's columns.
    """

    rows: pl.DataFrame
    bad: pl.DataFrame
    judged: list[Judged]
    types: dict[str, DType]


@dataclass(frozen=True)
class Inspection:
    """Holds rows to a table's contract; `key` is the project's for personal columns."""

    table: Table
    key: bytes

    def inspect(self, chunk: Conformed, columns: ColumnTypes, ingested_of: Callable[[pl.DataFrame], pl.Series]) -> Inspected:
        """Map and judge rows. Rules see personal columns in plain, so that they can judge them; nothing that leaves here does.

        `ingested_of` gives the moment of ingestion of each row of a frame.

        Raises:
            ColumnProblem, ExpressionTypeError: if the declaration does not fit the rows.
        """
        good, bad = split_failures(chunk, lambda frame: self._conceal(frame, personal_sources(self.table)))
        plain, types = mapped(good, columns, self.table)
        concealed = self._conceal(plain, self.table.personal)
        ingested = ingested_of(concealed)
        judged = judge_rows(plain.with_columns(ingested), types, self.table)
        return Inspected(concealed.with_columns(ingested), bad, judged, types)

    def _conceal(self, frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
        # What a derived table has from its inputs is pseudonyms already.
        return conceal(frame, columns, self.key, keep_pseudonyms=isinstance(self.table, Derived))


def only(frame: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    """Return the wanted rows. Polars copies the whole frame even when every row is wanted, which is the usual case; this does not."""
    return frame if wanted.all() else frame.filter(wanted)


def refused(frame: pl.DataFrame, reasons: pl.Series) -> pl.DataFrame:
    """Return the rows that have a reason against them, as they stand in quarantine."""
    return _as_quarantine(frame.with_columns(reasons.alias(REASON)).filter(pl.col(REASON).is_not_null()))


def untyped(bad: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return rows that have not their types (`_arrival`, `_reason`, `_row`) as they stand in quarantine."""
    moment = pl.lit(now).cast(POLARS_TYPES[DType.DATETIME]).alias(INGESTED_AT)
    return bad.select(ARRIVAL, moment, REASON, ROW)


def examples(judged: Judged, frame: pl.DataFrame, most: int) -> list[str]:
    """Return some of the rows that broke a rule, as JSON."""
    rows = frame.filter(judged.broken).head(most).with_columns(pl.lit("").alias(REASON))
    return _as_quarantine(rows)[ROW].to_list()


def stop_if_broken(table: Table, results: Sequence[RuleResult], shown: Sequence[str]) -> None:
    """Check the rules whose severity is `stop`.

    Raises:
        ContractBroken: if one is broken; `shown` are rows that did it.
    """
    stops = [each for each in results if each.severity == "stop" and not each.passed]
    if stops:
        broken = [(each.rule, each.detail or f"{each.failed:,} of {counted(each.checked, 'row')}") for each in stops]
        raise ContractBroken(table.name, broken, shown, table.location)


def concealed_types(types: Mapping[str, DType], table: Table) -> dict[str, DType]:
    """Return the types of a table's columns once its personal ones are pseudonyms."""
    return {name: DType.STRING if name in table.personal else kind for name, kind in types.items()}


def final_types(types: Mapping[str, DType], table: Table) -> dict[str, DType]:
    """Return the types of accepted rows: Headrace's own columns come last."""
    return {**concealed_types(types, table), ARRIVAL: DType.INT, INGESTED_AT: DType.DATETIME}


def _as_quarantine(frame: pl.DataFrame) -> pl.DataFrame:
    row = pl.struct(pl.exclude(ARRIVAL, INGESTED_AT, REASON)).struct.json_encode()
    return frame.select(ARRIVAL, INGESTED_AT, pl.col(REASON).cast(pl.String), row.cast(pl.String).alias(ROW))
