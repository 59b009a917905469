"""Questions whose store was lost before they had an answer: the lake's rows without one."""

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
    spine, model = scoring.model.features.spine.name, scoring.model.name
    if lake.tables.version(spine) is None:
        return None
    rows, arrival = lake.tables.scan(spine), pl.col(ARRIVAL)
    asked = rows.filter(place_of(arrival)[0] == partition).select(ARRIVAL, INGESTED_AT).sort(ARRIVAL).collect()
    answered = pl.Series(question_ids(workspace, model, spine, asked), dtype=pl.String).is_in(_ids(lake, model).implode())
    settled = answered | asked[ARRIVAL].is_in(_refused(lake, model).implode())
    if not settled.any():
        return None
    lost = asked[ARRIVAL].filter(~settled & (asked[ARRIVAL] > asked[ARRIVAL].filter(settled)[0]))
    return rows.filter(arrival.is_in(lost.implode())).sort(ARRIVAL).collect() if len(lost) else None


def _ids(lake: Lake, model: str) -> pl.Series:
    if lake.tables.version(PREDICTIONS) is None:
        return pl.Series([], dtype=pl.String)
    ours = (pl.col("source") == SOURCE) & (pl.col("model") == model)
    return lake.tables.scan(PREDICTIONS).filter(ours).select("id").collect()["id"]


def _refused(lake: Lake, model: str) -> pl.Series:
    if lake.tables.version(UNANSWERED) is None:
        return pl.Series([], dtype=pl.Int64)
    return lake.tables.scan(UNANSWERED).filter(pl.col("model") == model).select(ARRIVAL).collect()[ARRIVAL]
