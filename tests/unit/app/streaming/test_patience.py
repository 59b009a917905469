"""A store that is away: said once, and a commit whose answer was lost is made once."""

from collections.abc import Callable

import pytest

from headrace.app.errors import StateAway
from headrace.app.streaming.patience import Patience
from headrace.features.stores.contract import Commit, Field
from headrace.features.stores.errors import MarkMoved, StoreFault
from headrace.features.stores.memory import MemoryStore


class Flaky(MemoryStore):
    """A store that fails so many times, before it has done what it is asked or after."""

    def __init__(self, before: int = 0, after: int = 0) -> None:
        super().__init__()
        self._before, self._after = before, after
        self.commits = 0

    def commit(self, commit: Commit) -> None:
        self._before -= 1
        if self._before >= 0:
            raise StoreFault("write", "here", OSError("away"))
        super().commit(commit)
        self.commits += 1
        self._after -= 1
        if self._after >= 0:
            raise StoreFault("write", "here", OSError("the answer was lost"))


def patience(said: list[str], *, stopping: Callable[[], bool] = lambda: False) -> Patience:
    return Patience(said.append, stopping, wait=lambda _: None)


STEP = Commit(expect={"position": None}, marks={"position": b"1"}, put=[(Field("out", b"0", b"0"), b"rows")])


@pytest.mark.parametrize("store", [Flaky(before=3), Flaky(after=1)])
def test_a_commit_is_made_once_however_often_the_store_fails(store):
    said: list[str] = []
    patience(said).commit(store, STEP)
    assert store.commits == 1
    assert store.marks("position") == {"position": b"1"}
    assert [words.partition(":")[0] for words in said] == ["the online state is away, and tried again", "the online state is back"]


def test_a_commit_that_somebody_else_made_impossible_is_refused_and_not_tried_again():
    store = Flaky(before=1)
    MemoryStore.commit(store, Commit(marks={"position": b"another"}))
    with pytest.raises(MarkMoved):
        patience([]).commit(store, STEP)
    assert store.marks("position") == {"position": b"another"}


def test_who_is_to_stop_does_not_wait_for_a_store():
    with pytest.raises(StateAway, match="could not write the online state at here"):
        patience([], stopping=lambda: True).commit(Flaky(before=1000), STEP)
