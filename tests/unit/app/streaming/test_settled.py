"""What the first rows settle, and of two workers who sees them first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.e2e.small_stream import write_project

import headrace as hr
from headrace.app.store import lake_of
from headrace.app.streaming.around import Around
from headrace.app.streaming.following import Following
from headrace.app.streaming.patience import Patience
from headrace.app.workspace import Workspace
from headrace.expressions import DType
from headrace.features.plan import FeaturePlan
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.layout import GroupLayout, group_layouts
from headrace.features.stream.positions import read_position
from headrace.features.stream.reading import answer
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.messages import FAILURES, Listener, Messages, Position, Surroundings, arrivals_of


class Scripted:
    """Satisfies `Follower` with the rows of one partition, one at a time."""

    trouble, ended, left_out = "", False, False

    def __init__(self, partition: int, rows: Sequence[Mapping[str, Any]], listener: Listener) -> None:
        self._partition, self._rows, self._listener, self._at = partition, rows, listener, -1

    def poll(self, timeout_seconds: float) -> list[Messages]:
        if self._at < 0:
            self._at = self._listener.assigned([self._partition]).get(self._partition, Position(0)).offset
        if self._at == len(self._rows):
            return []
        first, self._at = self._at, self._at + 1
        arrivals = arrivals_of(self._partition, pl.Series([first])).alias(ARRIVAL)
        frame = pl.DataFrame([self._rows[first]])
        return [Messages("t", self._partition, Position(first), Position(first + 1), frame, arrivals, pl.DataFrame(schema=FAILURES))]

    def seek(self, positions: Mapping[int, Position]) -> None:
        self._at = positions[self._partition].offset

    def lag(self) -> dict[int, int]:
        return {}

    def kept(self, positions: Mapping[int, Position]) -> None:
        pass

    def pause(self, partitions: Iterable[int]) -> None:
        pass

    resume = pause

    def close(self) -> None:
        pass


class Overtaken(MemoryStore):
    """Another worker is quicker to settle the types of the source's columns."""

    other: Callable[[], object] | None = None

    def commit(self, commit: Commit) -> None:
        if "pins/orders" in commit.marks and self.other is not None:
            other, self.other = self.other, None
            other()
        super().commit(commit)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    handle = hr.load(write_project(tmp_path / "shop", days=1), environment={"HEADRACE_USER": "ana"})
    yield handle.workspace
    handle.close()


TABLE = hr.Events("orders", source=hr.Kafka("orders", servers="localhost:9092"), id="id")


def worker(
    workspace: Workspace,
    store: StateStore,
    partition: int,
    *rows: Mapping[str, Any],
    layouts: Sequence[GroupLayout] = (),
    meanwhile: list[Callable[[], object]] | None = None,
) -> Following:
    """One that follows the table; what is to happen `meanwhile` does as it hears of the columns."""

    def columns_known() -> None:
        if meanwhile:
            meanwhile.pop()()
        if following.types:
            following.use(layouts, {}, complete=False)

    surroundings = Surroundings(workspace.root, workspace.secrets, workspace.clock)
    patience = Patience(lambda _: None, lambda: False)
    following = Following(TABLE, Around(workspace, lake_of(workspace), store, patience, surroundings, columns_known))
    following._follower = Scripted(partition, rows, following)
    return following


def test_whose_first_rows_came_too_late_to_settle_the_types_goes_on_by_those_of_another(workspace: Workspace) -> None:
    store = Overtaken()
    one, other = worker(workspace, store, 0, {"id": 1, "n": 1.5}), worker(workspace, store, 1, {"id": 2, "n": 1}, {"id": 3, "n": 2})
    store.other = lambda: one.take_some(0)
    for _ in range(2):
        other.take_some(0)
    assert one.types == other.types
    assert one.types["n"] == DType.FLOAT
    one.flush()
    other.flush()
    found = lake_of(workspace).tables.scan("orders").select("id", "n").sort("id").collect()
    assert found.rows() == [(1, 1.5), (2, 1.0), (3, 2.0)]


def test_who_came_too_late_keeps_the_groups_of_what_he_takes_later(workspace: Workspace) -> None:
    """He brings what the other took into the lake, and knows the columns by that."""
    spine = hr.Events("q", source=hr.File("q.csv"))
    features = hr.Features(spine=spine, given=["id"], values={"n": hr.latest(TABLE, "n", by="id")})
    plan = FeaturePlan.build(features, {"id": DType.INT}, {"orders": {"id": DType.INT, "n": DType.FLOAT}})
    store, rows, layouts = Overtaken(), [{"id": number, "n": number / 2} for number in range(4)], group_layouts([plan])
    one, other = worker(workspace, store, 0, rows[0], layouts=layouts), worker(workspace, store, 0, *rows, layouts=layouts)
    store.other = lambda: one.take_some(0)
    other.take_some(0)
    assert not other.types
    other.flush()
    other.take_some(0)
    assert read_position(store.marks("position/")["position/orders/0"]).duplicates == 0
    assert answer(plan, store, pl.DataFrame({"id": range(4)}))["n"].to_list() == [0.0, 0.5, 1.0, 1.5]
    one.take_some(0)
    other.look_again()
    other.take_some(0)
    assert len(store.marks("filled/")) == len(layouts)


def test_what_another_takes_as_the_columns_are_heard_of_is_not_taken_again(workspace: Workspace) -> None:
    store, rows = Overtaken(), [{"id": number, "n": number / 2} for number in range(4)]
    meanwhile: list[Callable[[], object]] = []
    one, other = worker(workspace, store, 0, rows[0]), worker(workspace, store, 0, *rows, meanwhile=meanwhile)
    store.other = lambda: one.take_some(0)
    other.take_some(0)
    other.flush()  # the columns are known by that, and not yet the groups
    one._follower = Scripted(0, rows[:2], one)
    meanwhile.append(lambda: one.take_some(0))
    for _ in range(2):
        other.take_some(0)
    position = read_position(store.marks("position/")["position/orders/0"])
    assert (position.next_offset, position.accepted, position.duplicates) == (4, 4, 0)
