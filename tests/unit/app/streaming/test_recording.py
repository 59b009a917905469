"""What the ledger has of a streamed table."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from tests.e2e.small_stream import write_project

import headrace as hr
from headrace.app.store import lake_of
from headrace.app.streamed import STREAM, find_streamed
from headrace.app.streaming.counting import Counts
from headrace.app.streaming.recording import Brought, record_version
from headrace.app.workspace import Workspace
from headrace.features.stores.contract import Commit
from headrace.features.stores.memory import MemoryStore
from headrace.features.stream.positions import Position, position_mark


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    handle = hr.load(write_project(tmp_path / "shop", days=1), environment={"HEADRACE_USER": "ana"})
    yield handle.workspace
    handle.close()


def test_positions_on_record_are_no_further_than_the_lake(workspace: Workspace) -> None:
    """Another worker's partition, and one whose rows wait, are as they were when their rows came into the lake."""
    table = next(each for each in workspace.project.tables() if each.name == "orders")
    lake, store = lake_of(workspace), MemoryStore()

    def stand(**offsets: int) -> None:
        marks = {position_mark("orders", int(n[1:])): Position(next_offset=at, duplicates=at).to_bytes() for n, at in offsets.items()}
        store.commit(Commit(marks=marks))

    def record(*brought: int) -> tuple[dict[str, int], int]:
        lake.tables.write("orders", pl.DataFrame({"n": [1]}), "append")
        record_version(workspace, lake, store, table, Brought(brought, {}, Counts()))
        version = find_streamed(workspace, table)
        assert version is not None
        return {name: each["next_offset"] for name, each in version.profile[STREAM]["positions"].items()}, version.duplicates

    stand(p0=10, p1=20)
    assert record(0) == ({"0": 10}, 10)
    stand(p0=30, p1=40)
    assert record(1) == ({"0": 10, "1": 40}, 50)
    assert record(0, 1) == ({"0": 30, "1": 40}, 70)
