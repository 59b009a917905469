"""Why a prediction was served from other features than batch has now: told by asking batch again with less before it.

An explanation is an experiment. If batch gives what was served once it sees only what had come in by then, what came in later explains the
difference; if it does so on the versions that the tables had then, corrected rows do. The first experiment that succeeds for a row is its
explanation. Rows for which none does are unexplained.

What came in is told by the moments of ingestion where rows keep theirs, as those of streams do. A table that is read whole anew has only
the last one: there the version that it had is looked into, and rows that are in it as they are now are those that had come in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import polars as pl

from headrace.app.presence import presence_of
from headrace.app.store import lake_of
from headrace.app.streamed import streamed_tables
from headrace.app.workspace import Workspace
from headrace.core.units import parse_duration
from headrace.features.batch import compute
from headrace.features.lookups import INGESTED_COLUMN
from headrace.features.plan import FeaturePlan
from headrace.features.restricting import asked_about, asked_with_moments, known_before
from headrace.ledger import tables as ledger_tables
from headrace.spec.streams import Streamed

LATE, CORRECTED, CLOCK, PUBLISHED = "late data", "corrected rows", "clock", "state published earlier"
BEHIND = "stream not that far"
WITHHELD = "too old to be served"
"""Values were null since what they were made from was older than features allow; the log says which."""
MOMENT, AS_OF, STATE, WATERMARKS = "moment", "as_of", "state", "watermarks"
"""Columns of the predictions: when it was made, when it was asked as of, the moment of the published state it was answered from, and
until when each streamed table was known, as JSON."""
_VERSIONS = 10_000
_ROW = "_row"
_NOTHING, _INSTANT = timedelta(0), timedelta(microseconds=1)
_watermarks = msgspec.json.Decoder(dict[str, datetime | None]).decode
_MOMENT_TYPE = pl.Datetime("us", "UTC")


class Experiment(NamedTuple):
    """What batch is made to see: columns of the predictions that name moments, or None.

    Only what was known before some moments: of tables that are read from a published state (`STATE`), of streamed ones (`WATERMARKS`), or
    of all (`MOMENT`). Only rows that came in before another, and of the tables what they held at a third: all of it,
    or, `kept`, what they hold now as it was then.
    """

    explanation: str
    known: tuple[str, ...] = ()
    ingested: str | None = None
    tables: str | None = None
    kept: bool = False


EXPERIMENTS = (
    Experiment(PUBLISHED, known=(STATE,)),
    Experiment(BEHIND, known=(WATERMARKS,)),
    Experiment(LATE, ingested=MOMENT),
    Experiment(LATE, tables=MOMENT, kept=True),
    Experiment(CLOCK, known=(MOMENT,)),
    Experiment(f"{BEHIND}, {LATE}", known=(WATERMARKS,), ingested=MOMENT),
    Experiment(f"{BEHIND}, {PUBLISHED}", known=(STATE, WATERMARKS)),
    Experiment(f"{BEHIND}, {LATE}, {PUBLISHED}", known=(STATE, WATERMARKS), ingested=MOMENT),
    Experiment(f"{LATE}, {PUBLISHED}", known=(STATE,), ingested=STATE),
    Experiment(f"{LATE}, {PUBLISHED}", known=(STATE,), ingested=MOMENT),
    Experiment(f"{LATE}, {PUBLISHED}", known=(STATE,), tables=STATE, kept=True),
    Experiment(f"{LATE}, {PUBLISHED}", known=(STATE,), tables=MOMENT, kept=True),
    Experiment(CORRECTED, tables=MOMENT),
    Experiment(f"{CORRECTED}, {PUBLISHED}", known=(STATE,), tables=STATE),
    Experiment(f"{CORRECTED}, {PUBLISHED}", known=(STATE,), tables=MOMENT),
    Experiment(f"{CLOCK}, {CORRECTED}", known=(MOMENT,), tables=MOMENT),
)

Differs = Callable[[pl.DataFrame, pl.DataFrame], pl.Series]
"""Tells which rows of what was served are not as batch has them."""


class Explainer:
    """Explains the differences of one version's predictions."""

    def __init__(self, workspace: Workspace, plan: FeaturePlan, tables: Mapping[str, pl.LazyFrame], differs: Differs) -> None:
        """Take the plan of the version, and the tables as they are now."""
        self._plan, self._differs, self._now = asked_with_moments(plan), differs, tables
        self._versions = _Versions(workspace, plan.tables)
        streamed = {table.name: table.source for table in streamed_tables(workspace.project)}
        self._lateness = {
            name: parse_duration(source.lateness, zero=True) for name, source in streamed.items() if isinstance(source, Streamed)
        }
        self._ingested = _distinct([table.select(INGESTED_COLUMN) for table in tables.values() if _says_when(table)])

    def explain(self, asked: pl.DataFrame, served: pl.DataFrame) -> list[str | None]:
        """Return what explains each row, None: nothing does.

        `asked` has the given columns, `_asked`, and the moments that experiments name.
        """
        found: list[str | None] = [None] * asked.height
        numbered = asked.with_row_index(_ROW)
        for experiment in EXPERIMENTS:
            left = numbered.filter(pl.Series([each is None for each in found], dtype=pl.Boolean))
            for rows, seen in self._trials(experiment, left):
                for row in rows.filter(~self._differs(served[rows[_ROW]], seen))[_ROW]:
                    found[row] = experiment.explanation
        return found

    def _trials(self, experiment: Experiment, rows: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """Yield the rows for which an experiment shows batch something else, those that it shows the same together, and what batch says."""
        bounds, known = {}, dict[str, dict[str, datetime]]()
        if experiment.known:
            bounds["known"], known = self._known(experiment.known, rows)
        if experiment.ingested is not None:
            bounds["ingested"] = _next(rows[experiment.ingested], self._ingested)
        if experiment.tables is not None:
            bounds["tables"] = _next(rows[experiment.tables], self._versions.changes)
        if all(len(bound.drop_nulls()) == 0 for bound in bounds.values()):
            return
        bounded = rows.with_columns(bound.alias(f"_{name}") for name, bound in bounds.items()).drop_nulls([f"_{name}" for name in bounds])
        for key, some in bounded.group_by([f"_{name}" for name in bounds], maintain_order=True):
            moments = dict(zip(bounds, key, strict=True))
            tables = self._seen(some, moments.get("ingested"), moments.get("tables"), kept=experiment.kept)
            if tables is not None:
                plan = known_before(self._plan, known[moments["known"]]) if "known" in moments else self._plan
                yield some, compute(plan, some.lazy(), tables)

    def _known(self, columns: Sequence[str], rows: pl.DataFrame) -> tuple[pl.Series, dict[str, dict[str, datetime]]]:
        """Return a name for the moments up to which each row saw the tables, null where it saw all, and the moments by name."""
        found: dict[str, dict[str, datetime]] = {}
        names: list[str | None] = []
        for row in rows.select(AS_OF, *{STATE, WATERMARKS, *columns}).iter_rows(named=True):
            shown = [self._moments(column, row) for column in columns]
            known = {table: moment for each in shown for table, moment in each.items() if moment < row[AS_OF]}
            name = repr(sorted(known.items())) if known and all(shown) else None
            names.append(name)
            found.setdefault(name or "", known)
        return pl.Series(names, dtype=pl.String), found

    def _moments(self, column: str, row: Mapping[str, Any]) -> dict[str, datetime]:
        """Return from when on a row saw nothing of each table, as far as a column says."""
        watermarks = _watermarks(row[WATERMARKS]) if row[WATERMARKS] else {}
        if column == WATERMARKS:  # a stream has rows beyond its watermark, as far as they may come late
            return {table: moment + self._lateness.get(table, _NOTHING) + _INSTANT for table, moment in watermarks.items() if moment}
        return {} if row[column] is None else {table: row[column] for table in self._now if column == MOMENT or table not in watermarks}

    def _seen(
        self, rows: pl.DataFrame, ingested: datetime | None, tables: datetime | None, *, kept: bool
    ) -> dict[str, pl.LazyFrame] | None:
        then = self._now if tables is None else self._versions.before(tables)
        if then is None:
            return None
        seen = {name: asked_about(self._plan, name, table, rows) for name, table in then.items()}
        if kept:
            seen = {name: self._kept(name, asked_about(self._plan, name, self._now[name], rows), table) for name, table in seen.items()}
        if ingested is None:
            return seen
        return {name: table.filter(pl.col(INGESTED_COLUMN) < ingested) if _says_when(table) else table for name, table in seen.items()}

    def _kept(self, name: str, now: pl.LazyFrame, then: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows of now that were there then as they are, as far as the plan reads them."""
        columns = sorted({column for lookup in self._plan.lookups if lookup.table == name for column in lookup.columns} - {INGESTED_COLUMN})
        return now.join(then.select(columns), on=columns, how="semi", nulls_equal=True, maintain_order="left")


class _Versions:
    """The tables as they were. `changes` are the moments at which one of them changed, in order."""

    def __init__(self, workspace: Workspace, names: Sequence[str]) -> None:
        self._lake, self._presence = lake_of(workspace), presence_of(workspace)
        with workspace.ledger.read() as session:
            self._recorded = {name: ledger_tables.list_versions(session, workspace.project.name, name, limit=_VERSIONS) for name in names}
        self.changes = pl.Series(sorted({each.created for versions in self._recorded.values() for each in versions}), dtype=_MOMENT_TYPE)

    def before(self, moment: datetime) -> dict[str, pl.LazyFrame] | None:
        """Return the versions that were the newest before a moment; None if one was not there yet, or is not kept any more."""
        found = {}
        for name, versions in self._recorded.items():
            newest = next((each.version for each in versions if each.created < moment), None)
            if newest is None or not self._presence.table(name, newest):
                return None
            found[name] = self._lake.tables.scan(name, newest)
        return found


def _next(moments: pl.Series, changes: pl.Series) -> pl.Series:
    """Return the first change at each moment or after it: what came before one came before the other. Null where nothing changed since."""
    places = changes.search_sorted(moments, side="left")
    found = changes.extend_constant(None, 1).gather(places)
    return found.set(moments.is_null(), None)


def _distinct(columns: Sequence[pl.LazyFrame]) -> pl.Series:
    found = pl.concat([pl.LazyFrame(schema={INGESTED_COLUMN: _MOMENT_TYPE}), *columns]).unique().collect(engine="streaming")
    return found[INGESTED_COLUMN].drop_nulls().sort()


def _says_when(table: pl.LazyFrame) -> bool:
    """Tell whether a table's rows say when they came in: those of a derived table do not."""
    return INGESTED_COLUMN in table.collect_schema()
