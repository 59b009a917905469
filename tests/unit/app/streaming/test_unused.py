"""Groups that nobody keeps: they stay for a day, and whoever keeps one again meanwhile has it whole."""

from datetime import UTC, datetime, timedelta

import pytest

from headrace.app.streaming.unused import drop_unused, say_kept, unused
from headrace.features.stores.contract import Commit, Field
from headrace.features.stores.memory import MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
OLD, NEW = "state/orders/old", "state/orders/new"
KEPT = f"kept/{NEW}"


class Watched(MemoryStore):
    """Lets somebody do something before the second commit."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile = lambda: None
        self.commits = 0

    def commit(self, commit: Commit) -> None:
        self.commits += 1
        if self.commits == 2:
            self.meanwhile()
        super().commit(commit)


def filled(store: MemoryStore, *spaces: str) -> None:
    for space in spaces:
        put = [(Field(space, bytes([number]), b"rows"), b"1") for number in range(3)]
        store.commit(Commit(marks={f"filled/{space}/0": b"1"}, put=put))


def rows(store: MemoryStore, space: str) -> int:
    return sum(bool(fields) for _, fields in store.walk(space).records)


def test_two_versions_of_a_description_leave_each_other_what_they_keep():
    store = MemoryStore()
    filled(store, OLD, NEW)
    for moment in (NOW, NOW + timedelta(hours=1), LATER, LATER + timedelta(hours=2)):
        for mine in (OLD, NEW):
            say_kept(store, [mine], moment)
            assert drop_unused(store, "state/orders/", [mine], moment) == 0
    assert (rows(store, OLD), rows(store, NEW)) == (3, 3)


def test_what_nobody_has_kept_for_a_day_is_removed():
    store = MemoryStore()
    filled(store, OLD, NEW)
    say_kept(store, [OLD, NEW], NOW)
    assert drop_unused(store, "state/orders/", [OLD], LATER - timedelta(microseconds=1)) == 0
    assert drop_unused(store, "state/payments/", [], LATER) == 0
    assert drop_unused(store, "state/orders/", [OLD], LATER) == 1
    assert (rows(store, OLD), rows(store, NEW)) == (3, 0)
    assert store.marks("").keys() == {f"filled/{OLD}/0", f"kept/{OLD}"}


def test_the_day_of_a_group_that_nobody_spoke_of_begins_when_it_is_seen():
    store = MemoryStore()
    filled(store, NEW)
    assert drop_unused(store, "state/orders/", [], NOW) == 0
    assert drop_unused(store, "state/orders/", [], LATER) == 1


def test_what_there_is_of_a_scoring_goes_whole_and_only_when_nobody_scores_any_more():
    """Its mark goes last: who dies before that leaves the rest to the next."""
    store, asked, sent = MemoryStore(), "asked/returned", "outgoing/returned/0123"
    put = [(Field(space, b"0", b"1"), b"rows") for space in (asked, "answers/returned", sent, "asked/late", "answers/late")]
    store.commit(Commit(marks={f"{asked}/0": b"{}", "asked/late/0": b"{}"}, put=put))
    say_kept(store, [asked, sent], NOW)
    assert unused(store, "asked/", ["asked/late"], LATER) == {asked: store.marks(f"kept/{asked}")[f"kept/{asked}"]}
    assert drop_unused(store, "asked/", [asked, "asked/late"], LATER) == 0
    assert drop_unused(store, "asked/", ["asked/late"], LATER) == 1
    assert drop_unused(store, "outgoing/", [], LATER) == 1
    assert sum(rows(store, space) for space in (asked, "answers/returned", sent)) == 0
    assert (rows(store, "asked/late"), rows(store, "answers/late")) == (1, 1)
    assert store.marks("").keys() == {"asked/late/0", "kept/asked/late"}


def learns(store: MemoryStore, model: str, reached: bytes) -> None:
    put = [(Field(f"learner/{model}", key, b"0"), b"rows") for key in (b"files", b"snapshots", b"waiting")]
    store.commit(Commit(marks={f"learning/{model}": reached}, put=put))


def test_what_there_is_of_a_learning_goes_in_one_commit():
    store = Watched()
    learns(store, "returned", b"1")
    learns(store, "late", b"1")
    assert drop_unused(store, "learner/", [], NOW) == 0, "the day of those that nobody spoke of begins"
    store.commits = 0
    assert drop_unused(store, "learner/", ["learner/late"], LATER) == 1
    assert store.commits == 1
    assert (rows(store, "learner/returned"), rows(store, "learner/late")) == (0, 3)
    assert store.marks("").keys() == {"learning/late", "kept/learner/late"}


@pytest.mark.parametrize(
    "keeps",
    [lambda store: say_kept(store, ["learner/returned"], LATER), lambda store: learns(store, "returned", b"2")],
    ids=["says", "learns"],
)
def test_a_learning_that_somebody_keeps_as_it_is_removed_stays(keeps):
    store = Watched()
    learns(store, "returned", b"1")
    say_kept(store, ["learner/returned"], NOW)
    store.commits, store.meanwhile = 1, lambda: keeps(store)
    assert drop_unused(store, "learner/", [], LATER) == 0
    assert rows(store, "learner/returned") == 3
    assert "learning/returned" in store.marks("")


def test_whoever_dies_as_he_removes_a_group_leaves_the_rest_to_the_next():
    store = Watched()
    filled(store, NEW)
    say_kept(store, [NEW], NOW)

    def dies() -> None:
        raise KeyboardInterrupt

    store.commits, store.meanwhile = 0, dies
    with pytest.raises(KeyboardInterrupt):
        drop_unused(store, "state/orders/", [], LATER)
    assert store.marks("filled/") == {}, "what is half removed does not count as filled"
    assert rows(store, NEW) == 3
    assert drop_unused(store, "state/orders/", [], LATER) == 1
    assert rows(store, NEW) == 0


def test_whoever_keeps_a_group_again_as_it_is_removed_loses_nothing_of_what_he_fills():
    store = Watched()
    filled(store, NEW)
    say_kept(store, [NEW], NOW)

    def keeps_it() -> None:
        say_kept(store, [NEW], LATER)
        filled(store, NEW)

    store.commits, store.meanwhile = 0, keeps_it
    assert drop_unused(store, "state/orders/", [], LATER) == 0
    assert rows(store, NEW) == 3
    assert store.marks("filled/").keys() == {f"filled/{NEW}/0"}
    assert store.marks(KEPT)[KEPT].isdigit()
