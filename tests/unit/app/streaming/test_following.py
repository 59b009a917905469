"""A table that is followed, while partitions go and the store is away."""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from tests.e2e.small_stream import write_project

import headrace as hr
from headrace.app.store import lake_of
from headrace.app.streamed import recorded_partitions
from headrace.app.streaming.around import Around
from headrace.app.streaming.following import Following
from headrace.app.streaming.patience import Patience, ToldToStop
from headrace.app.workspace import Workspace
from headrace.expressions import DType
from headrace.features.plan import FeaturePlan
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.errors import StoreFault
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.layout import GroupLayout, group_layouts
from headrace.features.stream.positions import position_mark, read_position
from headrace.features.stream.reading import read_rows
from headrace.features.stream.writing import StateWriter
from headrace.ingest.stream.messages import Messages, Position, Surroundings
from headrace.ingest.stream.replay import ReplayFollower

TYPES = dict.fromkeys(("order_id", "shop", "email"), DType.STRING) | dict.fromkeys(("placed", "settled"), DType.DATETIME)
TYPES |= {"amount": DType.FLOAT, "returned": DType.BOOL}


class Moving(ReplayFollower):
    """Takes another partition away each time that messages come of this one."""

    def poll(self, timeout_seconds: float) -> list[Messages]:
        came = super().poll(timeout_seconds)
        self._listener.lost([7])
        return came


class Resumed(ReplayFollower):
    """Counts how often it is told to go on."""

    resumed = 0

    def resume(self, partitions: Iterable[int]) -> None:
        self.resumed += 1
        super().resume(partitions)


class Begun(ReplayFollower):
    """Is given another partition as well, which is empty."""

    def poll(self, timeout_seconds: float) -> list[Messages]:
        came = super().poll(timeout_seconds)
        if not came or came[0].first.offset:
            return came
        self._listener.assigned([7])
        nothing = came[0].frame.clear(), came[0].arrivals.clear(), came[0].failures
        return [Messages("", 7, Position(0), Position(0), *nothing, came[0].writing), *came]


class Contested(MemoryStore):
    """Another worker takes its turn at filling as soon as one has begun."""

    def commit(self, commit: Commit) -> None:
        super().commit(commit)
        turns = [name for name, value in commit.marks.items() if name.startswith("filling/") and value is not None]
        if turns:
            super().commit(Commit(marks=dict.fromkeys(turns, b"another 1")))


class Filled(MemoryStore):
    """Counts the commits of those that fill."""

    fillings = 0

    def commit(self, commit: Commit) -> None:
        super().commit(commit)
        self.fillings += any(name.startswith("filling/") for name in commit.marks)


class Forgetful(MemoryStore):
    """A server that was started again without what it held."""

    def lose(self) -> None:
        self._spaces.clear()
        self._marks.clear()

    def held(self) -> tuple[dict[str, dict[bytes, dict[bytes, bytes]]], dict[str, bytes]]:
        return deepcopy((self._spaces, self._marks))

    def go_back(self, held: tuple[dict[str, dict[bytes, dict[bytes, bytes]]], dict[str, bytes]]) -> None:
        self._spaces, self._marks = held


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    handle = hr.load(write_project(tmp_path / "shop", days=10), environment={"HEADRACE_USER": "ana"})
    yield handle.workspace
    handle.close()


def followed(
    workspace: Workspace, store: StateStore, said: list[str], patience: Patience | None = None, told: list[object] | None = None
) -> Following:
    """Follow the orders, with a follower of which partitions go. `told` gets what is filled each time that somebody is to see it."""
    seen = [] if told is None else told
    patience = patience or Patience(said.append, lambda: False, wait=lambda _: None)
    surroundings = Surroundings(workspace.root, workspace.secrets, workspace.clock)
    table = next(each for each in workspace.project.tables() if each.name == "orders")
    around = Around(
        workspace, lake_of(workspace), store, patience, surroundings, lambda: None, tell=lambda: seen.append(following.counts.filled)
    )
    following = Following(table, around)
    following._follower = Moving(table, following, surroundings)
    return following


def layouts_of(workspace: Workspace) -> list[GroupLayout]:
    """Return the groups of the orders."""
    types = {"orders": TYPES, "shops": {"shop": DType.STRING, "size": DType.INT}}
    plan = FeaturePlan.build(workspace.project.models[0].features, types["orders"], types)
    return [each for each in group_layouts((plan,)) if each.table == "orders"]


def taken(following: Following) -> int:
    """Take all there is; return how many rows came."""
    while not following.ended:
        following.take_some(0)
    following.take_some(0)
    return following.counts.events


def test_what_came_while_another_partition_went_is_taken(workspace):
    store = MemoryStore()
    assert taken(followed(workspace, store, [])) == 205
    position = read_position(store.marks(position_mark("orders", 0))[position_mark("orders", 0)])
    assert position.accepted + position.late + position.duplicates + position.quarantined == 205


def test_a_partition_that_begins_empty_holds_its_table_back(workspace):
    """Its first row may be of any moment: no question is final before, and nothing is dropped from the state."""
    store = MemoryStore()
    following = followed(workspace, store, [])
    following._follower = Begun(following.table, following, following._around.surroundings)
    assert taken(following) == 205
    following.look_again()
    assert store.marks("position/").keys() == {position_mark("orders", 0), position_mark("orders", 7)}
    assert following.counts.watermark_us is None
    following.flush()
    assert following.waiting_bytes == 0


def test_a_store_that_loses_everything_as_rows_come_is_filled_from_the_beginning(workspace, monkeypatch):
    monkeypatch.setattr("headrace.app.streaming.following._BATCH_ROWS", 50)  # a bound made small
    store = Forgetful()
    following = followed(workspace, store, [])
    following._follower._batch_rows = 50
    assert 0 < following.take_some(0) < 205
    store.lose()
    assert taken(following) > 205
    before = store.marks("position/")
    position = read_position(before[position_mark("orders", 0)])
    assert position.accepted + position.late + position.duplicates + position.quarantined == 205
    assert not recorded_partitions(workspace, "orders")
    following.flush()
    assert recorded_partitions(workspace, "orders") == {0}
    store.lose()
    following.look_again()
    assert not store.marks("position/"), "whoever leaves begins nothing"
    following.take_some(0)
    assert store.marks("position/").keys() == before.keys(), "though nothing comes"


def test_a_store_that_loses_its_last_commits_gets_them_again_though_nothing_comes(workspace, monkeypatch):
    monkeypatch.setattr("headrace.app.streaming.following._BATCH_ROWS", 50)  # a bound made small
    store = Forgetful()
    following = followed(workspace, store, [])
    following._follower._batch_rows = 50
    following.take_some(0)
    before = store.held()
    taken(following)
    store.go_back(before)
    following.look_again()
    following.take_some(0)
    taken(following)
    position = read_position(store.marks("position/")[position_mark("orders", 0)])
    assert position.accepted + position.late + position.duplicates + position.quarantined == 205


def test_a_source_is_told_to_go_on_once(workspace):
    following = followed(workspace, MemoryStore(), [])
    following._follower = follower = Resumed(following.table, following, following._around.surroundings)
    taken(following)
    following.resume()
    assert follower.resumed == 0
    following.pause()
    following.resume()
    following.resume()
    assert follower.resumed == 1


def test_what_fails_is_called_by_its_name(workspace):
    said: list[str] = []
    patience = Patience(said.append, lambda: False, wait=lambda _: None)
    fault = StoreFault("read", "here", OSError("gone"))
    assert patience.away(fault) == "the online state"
    patience.away(fault)
    patience.back()
    assert [words.partition(":")[0] for words in said] == ["the online state is away, and tried again", "the online state is back"]


def test_whoever_is_to_stop_does_not_wait_for_another_that_fills(workspace):
    store, waits = Contested(), []
    following = followed(workspace, store, [], Patience(lambda _: None, lambda: bool(waits), wait=waits.append))
    assert taken(following) == 205
    following.flush()
    with pytest.raises(ToldToStop):
        following.use(layouts_of(workspace), {}, complete=False)
    assert len(waits) == 1


def test_whoever_is_to_stop_ends_what_he_fills(workspace, monkeypatch):
    """And it counts as not filled; the next one begins anew."""
    monkeypatch.setattr("headrace.app.streaming.lake_rows._ROWS", 20)
    store, told = Filled(), []
    following = followed(workspace, store, [], Patience(lambda _: None, lambda: store.fillings >= 4, wait=lambda _: None), told)
    assert taken(following) == 205
    following.flush()
    with pytest.raises(ToldToStop):
        following.use(layouts_of(workspace), {}, complete=False)
    assert store.fillings == 4
    assert not store.marks("filled/")
    assert told[0] == (0, 197)
    assert told[-1] == (40, 197)
    store.fillings = -100
    following.use(layouts_of(workspace)[:1], {}, complete=False)
    assert len(store.marks("filled/")) == 1
    assert following.counts.filled is None


class Measured(MemoryStore):
    """Knows how large each commit was."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def commit(self, commit: Commit) -> None:
        super().commit(commit)
        self.sizes.append(len(commit.put) + len(commit.drop))


def state(store: MemoryStore) -> dict[str, object]:
    spaces = {name: records for name, records in store._spaces.items() if name.startswith("state/")}
    return {**spaces, "positions": {name: read_position(mark).accepted for name, mark in store.marks("position/").items()}}


def test_a_commit_that_would_be_too_large_is_made_in_parts_that_come_to_the_same(workspace, monkeypatch):
    layouts = layouts_of(workspace)
    stores = Measured(), Measured()
    for store, most in zip(stores, (100_000, 12), strict=True):
        monkeypatch.setattr("headrace.app.streaming.bounding.MOST_FIELDS", most)
        following = followed(workspace, store, [])
        following.use(layouts, {}, complete=False)
        assert taken(following) == 205
        assert following.counts.quarantined == 3
    assert state(stores[0]) == state(stores[1])
    assert max(stores[0].sizes) > 40
    assert max(stores[1].sizes) <= 12


class Frozen(MemoryStore):
    """Another worker takes the partition over just before rows are committed."""

    other: Callable[[], object] | None = None

    def commit(self, commit: Commit) -> None:
        if self.other is not None and any(field.space == "out/orders" for field, _ in commit.put):
            other, self.other = self.other, None
            other()
        super().commit(commit)


def test_what_a_frozen_worker_still_commits_is_in_the_groups_that_another_has_filled_meanwhile(workspace, monkeypatch):
    """The other is of a description that needs more: the first commits after these were filled, and knows nothing of them."""
    monkeypatch.setattr("headrace.app.streaming.following._BATCH_ROWS", 50)  # a bound made small
    layouts, stores = layouts_of(workspace), (MemoryStore(), Frozen())
    for store in stores:
        old = followed(workspace, store, [])
        old._follower._batch_rows = 50
        old.use(layouts[:1], {}, complete=False)
        old.take_some(0)
        new = followed(workspace, store, [])
        new.use(layouts, {}, complete=False)
        if isinstance(store, Frozen):
            store.other = lambda new=new: new.assigned([0])
        old.take_some(0)
        old.lost([0])
        while not new.caught_up:
            taken(new)
        assert store.marks("filled/").keys() == {f"filled/{each.space}/0" for each in layouts}
        assert [len(rows_in(store, each)) for each in layouts] == [197, 197]


def rows_in(store: StateStore, layout: GroupLayout) -> set[int]:
    """Return the arrivals of the rows that a group holds."""
    records, _ = store.walk(layout.space)
    return set(read_rows(layout, store, [key for key, _ in records]).rows.words[:, 0].tolist())


def test_what_nobody_needs_is_dropped_as_fast_as_it_is_found(workspace, monkeypatch):
    """A thousand keys each half a minute were swept, however many there were: keys that came once came faster than they went."""
    monkeypatch.setattr(StateWriter.sweep, "__defaults__", (2,))
    store, layouts = MemoryStore(), layouts_of(workspace)
    following = followed(workspace, store, [])
    following.use(layouts, {}, complete=False)
    assert taken(following) == 205
    monkeypatch.setattr("headrace.app.streaming.horizon._PAUSES", 0)
    windows = next(each for each in layouts if all(kept.over_us >= 0 for kept in each.kept))
    assert len(rows_in(store, windows)) == 197
    following._horizon.reached_us, following._horizon._due = 2**62, 0
    for _ in range(100):
        following.sweep()
    assert not rows_in(store, windows)
