"""Columns that come with values of another type than the one pinned: how many, since which row, and what may be done."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from headrace.core.units import counted
from headrace.expressions import DType
from headrace.ingest.column_types import convert
from headrace.ingest.dialect import Dialect
from headrace.ingest.hints import shown, write_options
from headrace.ingest.readings import NULL_TEXTS
from headrace.ingest.requests import RuleResult

_MOST = 0.5
_MOST_KEPT = 20


@dataclass
class _Column:
    present: int = 0
    failed: int = 0
    decimals: int = 0
    found: dict[str, tuple[int, int]] = field(default_factory=dict)


class DriftSurvey:
    """Looks at what failed to have its type, a chunk at a time. Values of personal columns are never told."""

    def __init__(self, types: Mapping[str, DType], personal: Iterable[str], dialect: Dialect) -> None:
        self._types, self._personal, self._dialect = types, frozenset(personal), dialect
        self._columns: dict[str, _Column] = {}

    def see(self, column: str, present: int, failed: pl.Series, rows: pl.Series) -> None:
        """Add the texts of a column that have not its type, with their rows (from 1), out of so many that are there."""
        seen = self._columns.setdefault(column, _Column())
        seen.present += present
        if failed.is_empty():
            return
        seen.failed += len(failed)
        if self._types[column] is DType.INT:
            seen.decimals += int(convert(failed.alias(column), DType.FLOAT, self._dialect).is_finite().sum())
        frame = pl.DataFrame({"text": failed, "row": rows})
        for text, count, row in frame.group_by("text", maintain_order=True).agg(pl.len(), pl.col("row").first()).iter_rows():
            before = seen.found.get(text)
            if before is not None or len(seen.found) < _MOST_KEPT:
                seen.found[text] = (before[0] if before else 0) + count, before[1] if before else row

    def results(self) -> list[RuleResult]:
        """Return a warning for each column with such values; where most are so, it says that the column has changed its type."""
        return [self._result(name, column) for name, column in self._columns.items() if column.failed]

    def _result(self, name: str, column: _Column) -> RuleResult:
        kind, told = self._types[name], shown(column.found, name in self._personal)
        detail = f"{column.failed:,} of {counted(column.present, 'value')}: {told}; {self._remedy(name, column)}"
        title = f"type of {name} has changed from {kind}" if column.failed > _MOST * column.present else f"type of {name} is {kind}"
        return RuleResult(title, "warn", column.failed, column.present, detail)

    def _remedy(self, name: str, column: _Column) -> str:
        if column.decimals == column.failed:
            return 'to read the whole column as float: evolve=hr.Evolve(widen="accept")'
        nulls = tuple(text for text in column.found if text.strip() in NULL_TEXTS)
        if nulls and len(nulls) == len(column.found):
            return f"they usually mean null: add to the source {write_options({'null_values': nulls})}"
        return f"their rows are set aside; to keep the column as it is written now: types={{{name!r}: 'string'}}"
