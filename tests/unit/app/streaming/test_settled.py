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
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.memory import MemoryStore
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


def worker(workspace: Workspace, store: StateStore, partition: int, *rows: Mapping[str, Any]) -> Following:
    table = hr.Events("orders", source=hr.Kafka("orders", servers="localhost:9092"), id="id")
    surroundings = Surroundings(workspace.root, workspace.secrets, workspace.clock)
    patience = Patience(lambda _: None, lambda: False)
    following = Following(table, Around(workspace, lake_of(workspace), store, patience, surroundings, lambda: None))
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
