"""Some questions and lessons in a row: asked, learnt, and what is then to be kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from headrace.app.learning.rows import IN_TIME
from headrace.app.learning.snapshot import ASKED, KNOWN, TARGET, score_columns
from headrace.app.scoring.champion import Champion
from headrace.ingest.requests import ARRIVAL
from headrace.spec.metrics import MULTICLASS
from headrace.training.dataset import EncodedRows
from headrace.training.online.learner import Learner
from headrace.training.online.teaching import Course, teach
from headrace.training.tasks import encode_target

_OWN = (ARRIVAL, ASKED, KNOWN, TARGET)


class Span(NamedTuple):
    """Moments from one to another, which does not belong to them; questions from `scored_from_us` on are scored."""

    begin_us: int
    end_us: int
    scored_from_us: int


class Taught(NamedTuple):
    """What lessons came to.

    Attributes:
        waiting: rows that were asked about, and whose answer is not known in the span.
        scored: rows that were learnt, with what was said of them, in the order in which they were learnt.
        learned: how many were learnt; unasked: how many of these were not there when their question was due; left_out: how many could
            not be learnt, being of classes that the learner does not know.
    """

    waiting: pl.DataFrame
    scored: pl.DataFrame
    learned: int
    unasked: int
    left_out: int


@dataclass(frozen=True)
class Lessons:
    """Gives lessons; `parent` is what the learner began from."""

    parent: Champion

    @property
    def features(self) -> list[str]:
        """The columns that are features."""
        return list(self.parent.plan.types)

    @property
    def given(self) -> list[str]:
        """The given columns that are no features: all of them, for which of them gates name may change while rows wait."""
        return [name for name in self.parent.plan.given if name not in self.parent.plan.types]

    @property
    def score_names(self) -> list[str]:
        """The columns of what the learner says."""
        artifact = self.parent.bundle.artifact
        return list(score_columns(np.empty((0, len(artifact.classes)) if artifact.task == MULTICLASS else 0)))

    def give(self, learner: Learner, asked: pl.DataFrame, features: pl.DataFrame, waiting: Sequence[pl.DataFrame], span: Span) -> Taught:
        """Ask about new rows and teach what became known, in order; `waiting` are rows that were asked about before."""
        due = pl.col(KNOWN) < span.end_us
        fresh = asked.select(*_OWN, *self.given, *(pl.lit(None, pl.Float64).alias(name) for name in self.score_names)).hstack(features)
        rows = pl.concat([*(each.filter(due) for each in waiting), fresh])
        is_fresh = np.arange(rows.height) >= rows.height - fresh.height
        in_time = np.zeros(rows.height, np.bool_)
        in_time[is_fresh] = asked.select(pl.col(IN_TIME) & (pl.col(ASKED) >= span.begin_us)).to_series().to_numpy()
        rows, codes = self._taught(learner, rows, in_time, span)
        is_due = rows.select(due).to_series().to_numpy()
        learnt = rows.filter(pl.Series(is_due & (codes >= 0)))
        no_score = pl.col(self.score_names[0]).is_null()
        return Taught(
            waiting=rows.filter(pl.Series(~is_due)),
            scored=rows.filter(pl.Series(is_due), ~no_score).sort(KNOWN, ARRIVAL),
            learned=learnt.height,
            unasked=learnt.filter(no_score, pl.col(ASKED) >= span.scored_from_us).height,
            left_out=int((is_due & (codes < 0)).sum()),
        )

    def _taught(
        self, learner: Learner, rows: pl.DataFrame, in_time: "np.ndarray[tuple[int], np.dtype[np.bool_]]", span: Span
    ) -> tuple[pl.DataFrame, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
        """Teach, and return the rows with what was said, and the codes of their answers: below 0 for a class that is not known."""
        artifact = self.parent.bundle.artifact
        codes = encode_target(artifact.task, artifact.classes, rows[TARGET])
        arrival, asked, known = (rows[name].to_numpy() for name in (ARRIVAL, ASKED, KNOWN))
        course = Course(arrival, asked, known, in_time, (known < span.end_us) & (codes >= 0))
        encoded = EncodedRows(self.parent.bundle.encoder.encode_frame(rows.select(self.features)), codes)
        said = teach(learner, encoded, course)
        places = np.fromiter(said, np.int64, len(said))
        columns = (
            [rows[name].scatter(places, values) for name, values in score_columns(np.array(list(said.values()))).items()] if said else []
        )
        return rows.with_columns(columns), codes
