"""The rows of a streamed spine as a learner takes them: those that the lake has and those that wait for it, each once.

A commit keeps rows in the outbox before they are in the lake, and takes them out when the lake has them. So whoever looks into the outbox
first, and into the lake then, finds every row that was accepted before he looked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from headrace.app.learning.snapshot import ASKED, KNOWN, TARGET
from headrace.app.steps.training import answer_known, question_asked
from headrace.app.streaming.outbox import Waiting, rows_of, waiting_chunks
from headrace.expressions import DType
from headrace.expressions.polars_backend import to_polars
from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.plan import FeaturePlan
from headrace.features.stores.contract import StateStore
from headrace.features.stream.admitting import Rules
from headrace.features.stream.positions import Position, position_prefix, read_position
from headrace.ingest.requests import ARRIVAL, INGESTED_AT
from headrace.ingest.stream.messages import place_of
from headrace.lake.lake import Lake
from headrace.spec.learning import Learning
from headrace.spec.metrics import BINARY
from headrace.spec.streams import Streamed
from headrace.spec.tables import Entity, Events

IN_TIME = "_in_time"
"""Whether a row is there when its question is due, so that it can be scored before anything later is learnt."""


class Range(NamedTuple):
    """Which rows are of interest: `cursors` are the offsets up to which rows were taken, by partition, those asked about before `clock_us`
    are done. Answers known before `began_us` were training's; a question is scored if it is asked from `scored_from_us` on."""

    cursors: Mapping[int, int]
    clock_us: int
    began_us: int
    scored_from_us: int


class Taken(NamedTuple):
    """Rows by moment, how many of the new ones can neither be asked about nor learnt, and the cursors after them."""

    rows: pl.DataFrame
    left_out: int
    cursors: dict[int, int]


def positions_by_partition(store: StateStore, table: str) -> dict[int, Position]:
    """Return how far each partition of a table has been followed."""
    return {int(name.rpartition("/")[2]): read_position(value) for name, value in store.marks(position_prefix(table)).items()}


def rows_now(lake: Lake, store: StateStore, table: str, columns: list[str]) -> pl.LazyFrame:
    """Return all rows of a streamed table that were accepted."""
    waiting = [
        frame.select(columns)
        for partition in positions_by_partition(store, table)
        for frame in rows_of([each.chunk.accepted for each in waiting_chunks(store, table, partition)])
    ]
    kept = [lake.tables.scan(table).select(columns)] if lake.tables.version(table) is not None else []
    if not waiting:
        return pl.concat(kept)
    return pl.concat([*kept, *(each.lazy() for each in waiting)]).unique(ARRIVAL, keep="first")


@dataclass(frozen=True)
class SpineRows:
    """The rows of one learner's spine."""

    learning: Learning
    plan: FeaturePlan
    task: str
    types: Mapping[str, DType]
    lake: Lake
    store: StateStore

    def take(self, positions: Mapping[int, Position], wanted: Range, *, whole: bool) -> Taken:
        """Return new rows; with `whole` those too that were taken before and are not done."""
        frames, cursors = [self._seen(self._nothing(), wanted, 0)], dict(wanted.cursors)
        for partition, position in positions.items():
            taken_to, end = wanted.cursors.get(partition, 0), position.next_offset
            first = 0 if whole else taken_to
            if first < end:
                frames += [self._seen(each, wanted, taken_to) for each in self._between(partition, first, end)]
                cursors[partition] = max(taken_to, end)
        rows = pl.concat(frames)
        usable = rows.filter(self._usable(wanted.began_us))
        return Taken(usable.drop("_is_new").sort(ASKED, ARRIVAL), int(rows["_is_new"].sum()) - int(usable["_is_new"].sum()), cursors)

    def _between(self, partition: int, first: int, end: int) -> list[pl.LazyFrame]:
        """Return a partition's rows with offsets in [first, end)."""
        table, (number, offset) = self.plan.spine, place_of(pl.col(ARRIVAL))
        waiting = [each for each in waiting_chunks(self.store, table, partition) if each.chunk.next_offset > first]
        found = [
            each.lazy().filter(offset.is_between(first, end, closed="left")) for each in rows_of([each.chunk.accepted for each in waiting])
        ]
        until = min(end, _offset_of(waiting[0])) if waiting else end
        if first < until and self.lake.tables.version(table) is not None:
            mine = (number == partition) & offset.is_between(first, until, closed="left")
            found.insert(0, self.lake.tables.scan(table).filter(mine))
        return found

    def _seen(self, rows: pl.LazyFrame, wanted: Range, taken_to: int) -> pl.DataFrame:
        is_new = place_of(pl.col(ARRIVAL))[1] >= taken_to
        asked, known = pl.col(ASKED), pl.col(KNOWN)
        seen = rows.select(*self._columns(wanted.scored_from_us), is_new.alias("_is_new"))
        is_ours = asked.is_null() | (asked >= wanted.began_us) | (known >= wanted.began_us).fill_null(False)
        return seen.filter(is_ours, pl.col("_is_new") | (asked >= wanted.clock_us)).collect()

    def _columns(self, scored_from_us: int) -> list[pl.Expr]:
        model = self.learning.model
        asked, belongs = question_asked(model, self.plan).to_physical(), self._belongs()
        in_time = (asked >= belongs - self.learning.behind_us) & (asked >= scored_from_us)
        return [
            pl.col(ARRIVAL),
            *(pl.col(name) for name in self.plan.given),
            asked.cast(pl.Int64).alias(ASKED),
            answer_known(model).to_physical().cast(pl.Int64).alias(KNOWN),
            to_polars(model.target, self.types).alias(TARGET),
            in_time.fill_null(False).alias(IN_TIME),
        ]

    def _belongs(self) -> pl.Expr:
        """Return the moment to which a row belongs: the stream holds it late once its partition's watermark has passed it."""
        spine = self.learning.model.features.spine
        assert isinstance(spine, Events | Entity)
        assert isinstance(spine.source, Streamed)
        return pl.min_horizontal(pl.col(name).to_physical() for name in Rules.of(spine, spine.source).moments)

    def _usable(self, began_us: int) -> pl.Expr:
        """Tell which rows training would take, had it come to them."""
        asked, known, target = pl.col(ASKED), pl.col(KNOWN), pl.col(TARGET)
        usable = asked.is_not_null() & (known >= asked).fill_null(False) & (known >= began_us) & target.is_not_null()
        return usable & target.cast(pl.Int64).is_in([0, 1]) if self.task == BINARY else usable

    def _nothing(self) -> pl.LazyFrame:
        """Return no rows, with the columns that rows have."""
        types = {name: POLARS_TYPES[kind] for name, kind in self.types.items()}
        return pl.LazyFrame(schema={ARRIVAL: pl.Int64(), INGESTED_AT: POLARS_TYPES[DType.DATETIME], **types})


def _offset_of(waiting: Waiting) -> int:
    return int.from_bytes(waiting.field.name, "big")
