"""From the store into the lake: answers into the log of predictions and the declared tables, each exactly once, and their use on record.

A partition appends in a name of its own, with the number of its last answers (`lake.tables.Once`). Answers are appended to the log last:
it says how far all of it is. Then their use is recorded, and then they leave the store.
"""

from collections.abc import Sequence
from functools import partial

import polars as pl

from headrace.app.appending import After, append_after
from headrace.app.prediction_table import PREDICTIONS, Used, as_logged, record_use, widen_log
from headrace.app.scoring.answers import SOURCE, Answers, Kept, frame_of, kept_answers
from headrace.app.scoring.errors import TargetHasOtherTypes
from headrace.app.workspace import Workspace
from headrace.core.ids import settled_id
from headrace.features.stores.contract import Commit, StateStore
from headrace.lake.errors import SchemaConflict
from headrace.lake.lake import Lake
from headrace.spec.scoring import Scoring, ToTable

UNANSWERED = "predictions/unanswered"


def tables_of(scoring: Scoring) -> list[str]:
    """Return the lake's tables that predictions go to, the log last."""
    return [*map(table_of, scoring.tables), PREDICTIONS]


def table_of(target: ToTable) -> str:
    """Return the lake's table that a target is."""
    return f"predictions/{target.name}"


def app_of(model: str, partition: int) -> str:
    """Return the name in which the answers to a partition's questions are appended."""
    return f"headrace/scoring/{model}/{partition}"


def last_number(lake: Lake, scoring: Scoring, partition: int) -> int:
    """Return the greatest number of answers that the lake has of a partition; 0: it has none."""
    app = app_of(scoring.model.name, partition)
    return max(lake.tables.appended(name, app) or 0 for name in (*tables_of(scoring), UNANSWERED))


def deliver_partition(workspace: Workspace, lake: Lake, store: StateStore, scoring: Scoring, partition: int) -> int:
    """Bring a partition's answers into the lake, and out of the store; return how many the lake took.

    Raises:
        LakeFault, CommitConflict: if the lake does not take them; they stay in the store.
        TargetHasOtherTypes: if a declared table has columns of other types; they stay, too.
        AppendMoved: if another process keeps appending in the partition's name.
        StoreFault: if the store fails.
    """
    app = app_of(scoring.model.name, partition)
    kept = kept_answers(store, scoring.model.name, partition)
    # What somebody brought there who died before it was on record, exactly as far as he had brought it.
    before = lake.tables.appended(PREDICTIONS, app) or 0 if kept else 0
    _settle(workspace, store, scoring, app, [each for each in kept if each.answers.number <= before])
    fresh, rows = [each for each in kept if each.answers.number > before], 0
    if fresh:
        widen_log(lake.tables)
        append_after(lake, UNANSWERED, app, partial(_beyond, fresh, "refused"))
        for target in scoring.tables:
            _append_told(lake, target, app, partial(_beyond, fresh, "told"))
        rows = append_after(lake, PREDICTIONS, app, partial(_beyond, fresh, "log"))
        _settle(workspace, store, scoring, app, fresh)
    return rows


def _append_told(lake: Lake, target: ToTable, app: str, after: After) -> None:
    """Append to a declared table, which gets columns that it lacks: other models, or earlier versions, may have begun it."""
    name = table_of(target)
    try:
        append_after(lake, name, app, after)
    except SchemaConflict:

        def fitted(last: int | None) -> tuple[pl.DataFrame, int] | None:
            found = after(last)
            return found and (_fitted(lake, target, found[0]), found[1])

        append_after(lake, name, app, fitted)


def _fitted(lake: Lake, target: ToTable, rows: pl.DataFrame) -> pl.DataFrame:
    name = table_of(target)
    lake.tables.widen(name, rows.schema)
    kept = lake.tables.scan(name).collect_schema()
    other = [f"{each!r} is {dtype} in them and {kept[each]} in the table" for each, dtype in rows.schema.items() if kept[each] != dtype]
    if other:
        raise TargetHasOtherTypes(target.place, other, target.location)
    return rows.with_columns(pl.lit(None, dtype).alias(column) for column, dtype in kept.items() if column not in rows.columns)


def _beyond(kept: Sequence[Kept], part: str, last: int | None) -> tuple[pl.DataFrame, int] | None:
    """Return a part of the answers beyond a number, and the number of the last of them; None: there are none."""
    fresh = [each.answers for each in kept if last is None or each.answers.number > last]
    rows = frame_of([getattr(each, part) for each in fresh])
    rows = as_logged(rows) if rows is not None and part == "log" else rows
    return None if rows is None else (rows, fresh[-1].number)


def _settle(workspace: Workspace, store: StateStore, scoring: Scoring, app: str, kept: Sequence[Kept]) -> None:
    """Put the use of answers that the lake has on record, unless it is, and take them out of the store."""
    made = [(each.answers, log) for each in kept if (log := frame_of([each.answers.log])) is not None]
    if made:
        first, last = made[0][1]["moment"][0], made[-1][1]["moment"][-1]
        batch = settled_id("bat", first, f"{app}/{made[-1][0].number}")
        record_use(workspace, SOURCE, batch, _used(scoring, [answers for answers, _ in made]), (first, last))
    if kept:
        store.commit(Commit(drop=[each.field for each in kept]))


def _used(scoring: Scoring, made: Sequence[Answers]) -> list[Used]:
    by_version: dict[str, list[Answers]] = {}
    for each in made:
        by_version.setdefault(each.version, []).append(each)
    return [
        Used(
            scoring.model.name,
            version,
            sum(each.predictions for each in answers),
            sum(each.cpu_seconds for each in answers),
            sum(each.wall_seconds for each in answers),
        )
        for version, answers in by_version.items()
    ]
