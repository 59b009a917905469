"""Progressive validation: each row is a question before it is a lesson (Dawid, 1984; with late answers as Grzenda et al., 2020).

A question is asked at its moment, of what was learnt by then; its answer is learnt at the moment when it became known, and not before. So
the scores are those that predictions made row by row would have had, and how they rise shows what the rows have taught.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headrace.spec.metrics import metrics_for
from headrace.training.dataset import EncodedRows
from headrace.training.evaluation import ScoredRows
from headrace.training.moments import Moments
from headrace.training.online.learner import Learner
from headrace.training.online.measured import Piece, Progressive

MOST_PIECES = 30
LEAST_ROWS = 50
"""A piece of the curve rests on so many questions at least."""


class Lessons:
    """The order in which rows are asked about and learnt: by their moments, of equal ones as they arrived; all that is asked at a moment
    comes before what becomes known at it."""

    def __init__(self, rows: int, moments: Moments | None) -> None:
        self.moments = Moments.of_arrival(rows) if moments is None else moments
        self.questions = np.argsort(self.moments.asked, kind="stable")
        self.answers = np.argsort(self.moments.known, kind="stable")
        self._known_by = np.searchsorted(self.moments.known[self.answers], self.moments.asked[self.questions], side="left")

    def __iter__(self) -> Iterator[tuple[int, bool]]:
        """Yield a row and whether it is learnt now, else it is asked about."""
        learnt, answers = 0, self.answers.tolist()
        for question, known in zip(self.questions.tolist(), self._known_by.tolist(), strict=True):
            for answer in answers[learnt:known]:
                yield answer, True
            learnt = max(learnt, known)
            yield question, False
        for answer in answers[learnt:]:
            yield answer, True


def learn_rows(
    learner: Learner, rows: EncodedRows, lessons: Lessons, go_on: Callable[[int], bool]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ask about each row and learn it, as the lessons say, until `go_on`, told how many rows were learnt, says no.

    Returns the rows that were asked about with something learnt, in order, and their scores.
    """
    asked, scores = [], []
    for row, is_learnt in lessons:
        vector = rows.matrix[row].tolist()  # a row at a time: as lists of Python's own floats, all rows would take four times the memory
        if is_learnt:
            learner.learn(vector, float(rows.target[row]))
            if not go_on(learner.learned):
                break
        elif learner.learned:
            asked.append(row)
            scores.append(learner.score(vector))
    return np.array(asked, dtype=np.int64), np.array(scores, dtype=np.float64)


def measure(task: str, rows: EncodedRows, lessons: Lessons, asked: NDArray[np.int64], scores: NDArray[np.float64]) -> Progressive:
    """Return the metrics of the questions that were asked, in all and piece by piece."""
    scored = ScoredRows(task=task, target=rows.target[asked], scores=scores)
    pieces = np.array_split(np.arange(len(asked)), max(1, min(MOST_PIECES, len(asked) // LEAST_ROWS)))
    moments = lessons.moments
    waited = (moments.known - moments.asked)[moments.are_real]
    return Progressive(
        rows=len(asked),
        unlearned=int(np.flatnonzero(lessons.questions == asked[0])[0]) if len(asked) else len(lessons.questions),
        waited_seconds=float(np.median(waited)) / 1e6 if len(waited) else None,
        metrics=_metrics(scored),
        pieces=[
            Piece(asked=moments.asked_at(int(asked[piece[0]])), rows=len(piece), metrics=_metrics(scored.take(piece)))
            for piece in pieces
            if len(piece)
        ],
    )


def _metrics(rows: ScoredRows) -> dict[str, float | None]:
    found: dict[str, Any] = {}
    for name in metrics_for(rows.task) if len(rows.target) else ():
        value = rows.measure(name)(np.ones(len(rows.target)))
        found[name] = value if value == value else None
    return found
