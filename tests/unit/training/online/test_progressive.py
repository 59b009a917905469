"""The order of questions and answers, and what is measured on the way."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.training.dataset import EncodedRows
from headrace.training.moments import Moments
from headrace.training.online.progressive import Lessons, learn_rows, measure

DAY = 86_400_000_000


class Remembering:
    """A learner that remembers what it was taught, and answers with how much that was."""

    def __init__(self):
        self.taught = []

    @property
    def learned(self):
        return len(self.taught)

    def score(self, vector):
        return float(self.learned)

    def learn(self, vector, target):
        self.taught.append(int(vector[0]))

    def files(self):
        return {}


def play(moments, go_on=lambda learned: True):
    learner, count = Remembering(), len(moments.asked)
    rows = EncodedRows(np.arange(count, dtype=float)[:, None], np.zeros(count))
    return (learner, *learn_rows(learner, rows, Lessons(count, moments), go_on))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), min_size=1, max_size=40))
def test_a_question_is_asked_of_what_was_known_before_it_and_of_all_of_it(pairs):
    asked = np.array([first for first, _ in pairs], dtype=np.int64)
    known = asked + np.array([wait for _, wait in pairs], dtype=np.int64)
    learner, questions, scores = play(Moments(asked, known))
    for question, score in zip(questions, scores, strict=True):
        assert score == (known < asked[question]).sum()
    assert {int(each) for each in questions} == {row for row in range(len(pairs)) if (known < asked[row]).any()}
    assert learner.taught == sorted(range(len(pairs)), key=lambda row: (known[row], row))
    assert [int(each) for each in questions] == sorted(questions.tolist(), key=lambda row: (asked[row], row))


def test_rows_without_moments_are_learnt_as_they_arrive_each_before_the_next():
    learner, questions, scores = play(Moments.of_arrival(4))
    assert learner.taught == [0, 1, 2, 3]
    assert questions.tolist() == [1, 2, 3]
    assert scores.tolist() == [1.0, 2.0, 3.0]


def test_what_has_no_moment_comes_first_and_what_never_becomes_known_last():
    def moments(*values):
        return pl.Series(values, dtype=pl.Int64).cast(pl.Datetime("us", "UTC"))

    found = Moments.of(moments(DAY, None, 2 * DAY, 3 * DAY), moments(None, DAY, 2 * DAY + 5, 3 * DAY))
    learner, questions, _ = play(found)
    assert learner.taught == [1, 2, 3, 0]
    assert questions.tolist() == [0, 2, 3]
    assert found.are_real.tolist() == [False, False, True, True]
    assert found.asked_at(1) is None
    assert found.asked_at(2).isoformat() == "1970-01-03T00:00:00+00:00"


def test_who_is_stopped_has_learnt_no_more():
    learner, questions, _ = play(Moments.of_arrival(10), lambda learned: learned < 4)
    assert learner.taught == [0, 1, 2, 3]
    assert questions.tolist() == [1, 2, 3]


def test_the_curve_says_when_and_how_well():
    count = 250
    asked = np.arange(count, dtype=np.int64) * DAY
    lessons = Lessons(count, Moments(asked, asked + DAY // 2))
    rows = EncodedRows(np.zeros((count, 1)), (np.arange(count) % 2).astype(float))
    scores = np.where(np.arange(count) < 200, 0.5, rows.target)[1:]
    found = measure("binary", rows, lessons, np.arange(1, count), scores)
    assert (found.rows, found.unlearned, found.waited_seconds) == (249, 1, 43_200.0)
    assert [piece.rows for piece in found.pieces] == [63, 62, 62, 62]
    assert found.pieces[0].asked.isoformat() == "1970-01-02T00:00:00+00:00"
    assert found.pieces[0].metrics["roc_auc"] == 0.5
    assert found.pieces[-1].metrics["roc_auc"] > 0.9


def test_what_is_undefined_is_not_a_number_in_disguise():
    rows = EncodedRows(np.zeros((60, 1)), np.zeros(60))
    found = measure("binary", rows, Lessons(60, None), np.arange(1, 60), np.full(59, 0.5))
    assert found.metrics["roc_auc"] is None
    assert found.metrics["brier"] == pytest.approx(0.25)
    assert found.waited_seconds is None
    assert found.pieces[0].asked is None
    nothing = measure("binary", rows, Lessons(60, None), np.array([], dtype=np.int64), np.array([]))
    assert (nothing.rows, nothing.unlearned, nothing.pieces) == (0, 60, [])
