"""The rows that the lake has of a partition, as whoever makes state of them reads them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from headrace.app.streaming.flushing import app_of
from headrace.expressions import DType
from headrace.ingest.column_types import dtype_of
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.messages import place_of
from headrace.lake.lake import Lake

_ROWS = 20_000

Pulse = Callable[[int, int], None]
"""Told now and then how many rows of how many were read (of none: it is not known); what it raises ends the reading."""


@dataclass(frozen=True)
class LakeRows:
    """The rows of one partition of a table in the lake."""

    lake: Lake
    table: str
    partition: int
    pulse: Pulse = lambda _, __: None

    @property
    def last(self) -> int | None:
        """Up to which message the lake has the partition; None: it never had any of it."""
        return self.lake.tables.appended(self.table, app_of(self.table, self.partition))

    def frames(self) -> Iterator[pl.DataFrame]:
        """Give them in the order in which they came, some ten thousand at a time."""
        if self.lake.tables.version(self.table) is None:
            return
        scan, arrival = self.lake.tables.scan(self.table), pl.col(ARRIVAL)
        mine = place_of(arrival)[0] == self.partition
        arrivals = scan.filter(mine).select(arrival).collect(engine="streaming")[ARRIVAL].sort()
        for start in range(0, len(arrivals), _ROWS):
            self.pulse(start, len(arrivals))
            low, high = arrivals[start], arrivals[min(start + _ROWS, len(arrivals)) - 1]
            yield scan.filter(arrival.is_between(low, high), mine).sort(arrival).collect()


def column_types(lake: Lake, table: str, version: int) -> dict[str, DType]:
    """Return the types of a table's columns as the lake has them."""
    schema = lake.tables.scan(table, version).collect_schema()
    return {column: dtype_of(column, kind) for column, kind in schema.items()}
