"""What is noticed of a source's columns while they are conformed: texts that might be more, values that have not their type."""

from collections.abc import Container, Iterable, Mapping

import polars as pl

from headrace.expressions import DType
from headrace.ingest.conform import Conformed
from headrace.ingest.dialect import Dialect
from headrace.ingest.drift import DriftSurvey
from headrace.ingest.hints import TextSurvey, say_hints
from headrace.ingest.requests import ARRIVAL, RuleResult

_OF_ANOTHER_TYPE = "not "


class Watch:
    """Sees every chunk before and after it was conformed. Values of personal columns are never told.

    `textual` are the types that the source's texts may be: where numbers come as numbers, a text is meant as one.
    """

    def __init__(self, types: Mapping[str, DType], textual: Container[DType], personal: Iterable[str], dialect: Dialect) -> None:
        hidden = frozenset(personal)
        self._typed = [name for name, kind in types.items() if kind is not DType.STRING]
        texts = [name for name, kind in types.items() if kind is DType.STRING and DType.FLOAT in textual]
        self._texts = TextSurvey(texts, hidden, dialect)
        self._drift = DriftSurvey(types, hidden, dialect)

    def see(self, chunk: pl.DataFrame, conformed: Conformed, first_row: int) -> None:
        """See some more rows; `first_row` counts those before them."""
        self._texts.see(chunk, first_row)
        # A time that clocks skip or show twice is of the right type.
        failed = {each.column: each.cells.filter(pl.col("why").str.starts_with(_OF_ANOTHER_TYPE)) for each in conformed.failures}
        nothing = pl.DataFrame(schema={ARRIVAL: pl.Int64, "text": pl.String})
        for name in self._typed:
            cells = failed.get(name, nothing)
            self._drift.see(name, chunk.height - chunk[name].null_count(), cells["text"], cells[ARRIVAL] + 1)

    def remarks(self) -> list[RuleResult]:
        """Return what there is to say: warnings first."""
        return [*self._drift.results(), *say_hints(self._texts.hints())]
