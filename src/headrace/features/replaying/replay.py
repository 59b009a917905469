"""Questions of the past, answered by batch, by a stream's state and one at a time, and compared value by value.

Questions come in the order in which they were asked, some thousand at a time. Before each lot the tables are played on to its last moment;
then batch has answered it from whole tables, and the others answer it from what is kept: the stream's state many questions at once, online
one after the other, each by the code that does so elsewhere.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl

from headrace.expressions.polars_backend import to_polars
from headrace.expressions.polars_backend.columns import POLARS_TYPES
from headrace.features.batch import find_table
from headrace.features.bucketed import compute_frames
from headrace.features.buckets import Bucket, BucketWriter, bucket_rows
from headrace.features.frames import Bounds, reframed
from headrace.features.lookups import ARRIVAL_COLUMN
from headrace.features.parity import FeatureParity, compare
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.features.replaying.ordered import MOMENT, ordered
from headrace.features.replaying.playing import PlayedTable
from headrace.features.state import FeatureState
from headrace.features.stores.contract import StateStore
from headrace.features.stream.layout import group_layouts
from headrace.features.stream.live import LiveFeatures
from headrace.features.stream.reading import answer

AS_OF = "as of"
"""The column that is shown with a question beside what was given."""
QUESTIONS_AT_ONCE = 2048
"""Between two lots a table is played on. Of fewer a lot costs more than its answers; of more the records are longer to read."""
_MOMENT_TYPE = pl.Datetime("us", "UTC")
_ASKED = 0
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class History:
    """What there is to be replayed.

    Attributes:
        spine: the rows that the question is asked about: the given columns and `_arrival`.
        tables: those that the plan looks into, by name.
        moments: when something of a row first became known, for each table with a knowledge time. The others are given as they are.
    """

    plan: FeaturePlan
    spine: pl.LazyFrame
    tables: Mapping[str, pl.LazyFrame]
    moments: Mapping[str, pl.Expr]


class Asked(NamedTuple):
    """Which questions are asked again: as of these moments, the second left out, and at most so many, evenly spread over them."""

    since: datetime | None = None
    until: datetime | None = None
    rows: int | None = None


class Lot(NamedTuple):
    """How some questions compare with batch, feature by feature.

    `done` of `total` questions are compared so far; these are asked as of moments from `first` to `last`, None: at no time.
    """

    done: int
    total: int
    first: datetime | None
    last: datetime | None
    stream: tuple[FeatureParity, ...]
    online: tuple[FeatureParity, ...]


def replay(
    history: History, asked: Asked, store: StateStore, bounds: Bounds, *, questions_at_once: int = QUESTIONS_AT_ONCE
) -> Iterator[Lot]:
    """Ask again, and yield how each lot compares; one of no questions where there is none.

    `store` is empty, and left as the last questions found it.

    Raises:
        MissingTable: if a table that the plan looks into is not there.
        StoreFault: if the store fails.
    """
    plan = history.plan
    tables = {lookup.table: find_table(lookup, history.tables) for lookup in plan.lookups}
    with tempfile.TemporaryDirectory(prefix="replay-", dir=bounds.folder) as name, ExitStack() as opened:
        folder, bounds = Path(name), Bounds(Path(name), bounds.rows_at_once, bounds.frame_rows, bounds.few_rows)
        total = _keep_questions(history, asked, folder, bounds)
        executions = _Executions(history, tables, store, bounds)
        questions = opened.enter_context(Bucket(folder / "asked", _ASKED))
        done = 0
        for number, expected in enumerate(compute_frames(plan, bucket_rows(folder / "asked", _ASKED), tables, bounds)):
            frame = questions.frame(number).with_columns(pl.col(MOMENT).cast(_MOMENT_TYPE).alias(AS_OF))
            for start in range(0, max(frame.height, 1), questions_at_once):
                lot = frame[start : start + questions_at_once]
                done += lot.height
                yield Lot(done, total, *_span(lot), *executions.compared(lot, expected[start : start + questions_at_once]))


def _span(lot: pl.DataFrame) -> tuple[datetime | None, datetime | None]:
    asked_at = lot[AS_OF].drop_nulls()
    return (asked_at[0], asked_at[-1]) if len(asked_at) else (None, None)


def as_of_column(plan: FeaturePlan) -> pl.Expr:
    """When each row of the spine is asked about (null: at no time), where the plan says so."""
    expression = plan.as_of_expression()
    return pl.lit(None, _MOMENT_TYPE) if expression is None else to_polars(expression, plan.given)


class _Executions:
    """The stream and the online execution of one plan."""

    def __init__(self, history: History, tables: Mapping[str, pl.LazyFrame], store: StateStore, bounds: Bounds) -> None:
        plan = self._plan = history.plan
        self._store = store
        followed = [name for name in tables if name in history.moments]
        self._timeless = {name: table.collect().lazy() for name, table in _read(plan, tables).items() if name not in followed}
        self._played = []
        for name in followed:
            layouts = [layout for layout in group_layouts([plan]) if layout.table == name]
            columns = sorted({*(column for layout in layouts for column in layout.columns), ARRIVAL_COLUMN})
            rows = tables[name].with_columns(history.moments[name].to_physical().alias(MOMENT)).select(*columns, MOMENT)
            coming = ordered(rows.filter(pl.col(MOMENT).is_not_null()), bounds)
            self._played.append(PlayedTable(layouts, plan.functions, coming, store))
        self._live = LiveFeatures(plan, store, _published(plan, self._timeless), followed)
        self._schema = {name: POLARS_TYPES[dtype] for name, dtype in plan.types.items()}

    def compared(self, lot: pl.DataFrame, expected: pl.DataFrame) -> tuple[tuple[FeatureParity, ...], tuple[FeatureParity, ...]]:
        """Play the tables on, ask, and compare with what batch says."""
        moments = lot[MOMENT].drop_nulls()
        first, last = (moments[0], moments[-1]) if len(moments) else (None, None)
        for table in self._played:
            table.play_before(last, first)
        given = lot.select(list(self._plan.given)) if self._plan.given else lot
        shown = lot.select(*self._plan.given, AS_OF)
        found = answer(self._plan, self._store, given, tables=self._timeless), self._online(given, shown[AS_OF])
        stream, online = (compare(self._plan, shown, expected, each) for each in found)
        return stream, online

    def _online(self, given: pl.DataFrame, asked_at: pl.Series) -> pl.DataFrame:
        compute = self._live.compute
        rows = [compute(row, as_of) for row, as_of in zip(given.iter_rows(named=True), asked_at.to_list(), strict=True)]
        return pl.DataFrame({name: [row[name] for row in rows] for name in self._schema}, self._schema)


def _keep_questions(history: History, asked: Asked, folder: Path, bounds: Bounds) -> int:
    """Write the questions that are asked again into a bucket, in order; return how many those are."""
    moment = as_of_column(history.plan)
    rows = history.spine.select(*history.plan.given, ARRIVAL_COLUMN, moment.to_physical().alias(MOMENT))
    if asked.since is not None:
        rows = rows.filter(moment >= asked.since)
    if asked.until is not None:
        rows = rows.filter(moment < asked.until)
    total = int(rows.select(pl.len()).collect(engine="streaming").item())
    kept = min(total, total if asked.rows is None else asked.rows)
    with BucketWriter(folder / "asked", 1) as writer:
        for frame in reframed(_spread(ordered(rows, bounds), kept, total), bounds.frame_rows):
            writer.write(_ASKED, frame)
    return kept


def _spread(frames: Iterator[pl.DataFrame], kept: int, total: int) -> Iterator[pl.DataFrame]:
    """Yield so many of all rows, evenly spread."""
    start = 0
    for frame in frames:
        place = pl.int_range(start, start + frame.height, dtype=pl.Int64, eager=True)
        yield frame.filter((place + 1) * kept // max(total, 1) > place * kept // max(total, 1))
        start += frame.height


def _read(plan: FeaturePlan, tables: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    """Return tables with the columns that the plan reads."""
    read: dict[str, set[str]] = {name: {ARRIVAL_COLUMN} for name in tables}
    for lookup in plan.lookups:
        read[lookup.table] |= set(lookup.columns)
    return {name: table.select(sorted(read[name])) for name, table in tables.items()}


def _published(plan: FeaturePlan, timeless: Mapping[str, pl.LazyFrame]) -> FeatureState | None:
    """Return the published state of the tables that were always known."""
    lookups = tuple(lookup for lookup in plan.lookups if lookup.table in timeless)
    return build_state(msgspec.structs.replace(plan, lookups=lookups), timeless, _EARLIEST) if lookups else None
