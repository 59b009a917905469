"""Questions whose store was lost, or lost its last commits: the lake tells which rows have an answer."""

import polars as pl

from headrace.app.prediction_table import PREDICTIONS
from headrace.app.scoring.answers import SOURCE, question_ids
from headrace.app.scoring.delivering import UNANSWERED
from headrace.app.workspace import Workspace
from headrace.ingest.requests import ARRIVAL, INGESTED_AT
from headrace.ingest.stream.messages import place_of
from headrace.lake.lake import Lake
from headrace.spec.scoring import Scoring


def lost_questions(workspace: Workspace, lake: Lake, scoring: Scoring, partition: int) -> pl.DataFrame | None:
    """Return a partition's rows that have no answer, of those after the first that has one; None: there are none.

    Rows that the lake does not have come again, and are asked then.
    """
    asked, settled = _settled(workspace, lake, scoring, partition)
    if not settled.any():
        return None
    lost = asked.filter(~settled & (asked > asked.filter(settled)[0]))
    arrival, rows = pl.col(ARRIVAL), lake.tables.scan(scoring.model.features.spine.name)
    return rows.filter(arrival.is_in(lost.implode())).sort(ARRIVAL).collect() if len(lost) else None


def settled_arrivals(workspace: Workspace, lake: Lake, scoring: Scoring, partition: int) -> pl.Series:
    """Return which of a partition's rows in the lake have their answer there, or the reason why there is none."""
    asked, settled = _settled(workspace, lake, scoring, partition)
    return asked.filter(settled)


def _settled(workspace: Workspace, lake: Lake, scoring: Scoring, partition: int) -> tuple[pl.Series, pl.Series]:
    """Return the arrivals of the lake's rows of a partition, in order, and which of them are settled."""
    spine, model, arrival = scoring.model.features.spine.name, scoring.model.name, pl.col(ARRIVAL)
    if lake.tables.version(spine) is None:
        return pl.Series(ARRIVAL, [], pl.Int64), pl.Series([], dtype=pl.Boolean)
    rows = lake.tables.scan(spine).filter(place_of(arrival)[0] == partition).select(ARRIVAL, INGESTED_AT).sort(ARRIVAL).collect()
    answered = pl.Series(question_ids(workspace, model, spine, rows), dtype=pl.String).is_in(_ids(lake, model).implode())
    return rows[ARRIVAL], answered | rows[ARRIVAL].is_in(_refused(lake, model).implode())


def _ids(lake: Lake, model: str) -> pl.Series:
    if lake.tables.version(PREDICTIONS) is None:
        return pl.Series([], dtype=pl.String)
    ours = (pl.col("source") == SOURCE) & (pl.col("model") == model)
    return lake.tables.scan(PREDICTIONS).filter(ours).select("id").collect()["id"]


def _refused(lake: Lake, model: str) -> pl.Series:
    if lake.tables.version(UNANSWERED) is None:
        return pl.Series([], dtype=pl.Int64)
    return lake.tables.scan(UNANSWERED).filter(pl.col("model") == model).select(ARRIVAL).collect()[ARRIVAL]
