"""Questions that wait: kept with their rows, found again by whoever takes over, and gone once they are answered."""

import polars as pl
import pytest

from headrace.app.scoring.questions import AS_OF, Questions, earliest_question
from headrace.features.stores.errors import MarkMoved
from headrace.features.stores.memory import MemoryStore


def rows(*arrivals: int) -> pl.DataFrame:
    return pl.DataFrame({"_arrival": arrivals, "at": [10 * each for each in arrivals]}, schema={"_arrival": pl.Int64, "at": pl.Int64})


def opened(store: MemoryStore, model: str = "late", first: int = 1) -> Questions:
    questions = Questions(model)
    questions.take_over(store, 0, lambda: first)
    questions.use(lambda frame: frame["at"])
    return questions


def ask(store: MemoryStore, questions: Questions, *arrivals: int) -> None:
    change = questions.ask(0, rows(*arrivals))
    store.commit(change.commit)
    questions.done(change)


def waiting(questions: Questions) -> list[int]:
    return [arrival for piece in questions.lanes[0].pieces for arrival in piece.rows["_arrival"]]


def test_who_takes_over_finds_what_waits() -> None:
    store = MemoryStore()
    ask(store, opened(store, first=5), 3, 1, 2)
    again = opened(store)
    assert waiting(again) == [1, 2, 3]
    assert again.lanes[0].asked.number == 5
    assert earliest_question(store, ["late"]) == 10
    assert earliest_question(store, ["other"]) is None, "a model that is not asked any more holds nothing back"


def test_some_of_a_piece_are_answered_and_the_rest_waits() -> None:
    store = MemoryStore()
    questions = opened(store)
    ask(store, questions, 1, 2, 3)
    ask(store, questions, 4)
    (piece, _) = questions.lanes[0].pieces
    change = questions.answered(0, {0: piece.rows[AS_OF] <= 20}, refused=1)
    store.commit(change.commit)
    questions.done(change)
    for each in (questions, opened(store)):
        assert sorted(waiting(each)) == [3, 4]
        asked = each.lanes[0].asked
        assert (asked.number, asked.asked, asked.answered, asked.refused, asked.waiting, asked.earliest_us) == (2, 4, 1, 1, 2, 30)


def test_of_two_who_answer_the_same_questions_one_does() -> None:
    store = MemoryStore()
    one = opened(store)
    ask(store, one, 1)
    other = opened(store)
    changes = [each.answered(0, {0: pl.Series([True])}, refused=0) for each in (one, other)]
    store.commit(changes[0].commit)
    with pytest.raises(MarkMoved):
        store.commit(changes[1].commit)


def test_nobody_is_asked_as_long_as_nobody_answers() -> None:
    store = MemoryStore()
    questions = Questions("late")
    questions.take_over(store, 0, lambda: 1)
    change = questions.ask(0, rows(1))
    assert not change.commit.put
    assert not change.commit.marks
