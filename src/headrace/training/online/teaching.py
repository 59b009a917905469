"""Some questions and lessons of a longer course, in the order in which `Lessons` has them: whatever it is cut into, the same is learnt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headrace.models.predictor import Score
from headrace.training.dataset import EncodedRows
from headrace.training.online.learner import Learner


@dataclass(frozen=True)
class Course:
    """Rows (n,) by their arrival, when each is asked about and its answer known, and which of both is to be done now."""

    arrival: NDArray[np.int64]
    asked: NDArray[np.int64]
    known: NDArray[np.int64]
    is_asked: NDArray[np.bool_]
    is_learnt: NDArray[np.bool_]

    def in_order(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the rows of the events and whether each is a lesson: by moment, questions first, of equal ones by arrival."""
        questions, lessons = np.flatnonzero(self.is_asked), np.flatnonzero(self.is_learnt)
        rows = np.concatenate([questions, lessons])
        moments = np.concatenate([self.asked[questions], self.known[lessons]])
        is_lesson = np.arange(len(rows)) >= len(questions)
        order = np.lexsort((self.arrival[rows], is_lesson, moments))
        return rows[order], is_lesson[order]


def teach(learner: Learner, rows: EncodedRows, course: Course) -> dict[int, Score]:
    """Ask a learner and teach it; return what it said of each row that it was asked about."""
    said: dict[int, Score] = {}
    for row, is_lesson in zip(*(each.tolist() for each in course.in_order()), strict=True):
        vector = rows.matrix[row].tolist()
        if is_lesson:
            learner.learn(vector, float(rows.target[row]))
        else:
            said[row] = learner.score(vector)
    return said
