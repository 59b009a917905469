"""Collecting beside a server that goes on logging its predictions."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import headrace as hr
from headrace.app.collecting.collect import collect, plan_collecting
from headrace.app.prediction_table import PREDICTIONS
from headrace.app.store import lake_of
from headrace.app.streaming.opening import open_state
from headrace.app.streaming.unused import say_kept
from headrace.features.stores.contract import Commit, Field
from headrace.lake import sweeping, upkeep
from headrace.lake.errors import CommitConflict


@pytest.fixture
def logged(workspace, monkeypatch) -> Callable[[], list[int]]:
    """A log of predictions that others append to right before and right after every listing; returns what they committed."""
    committed: list[int] = []

    def append() -> None:
        moment = datetime(2030, 1, 1, tzinfo=UTC)
        row = {"id": [len(committed)], "model": ["late"], "version": ["1"], "moment": [moment]}
        lake_of(workspace).tables.write(PREDICTIONS, pl.DataFrame(row), "append")
        committed.append(len(committed))

    listed = sweeping._listed

    def busy(at) -> Iterator[sweeping.Kept]:
        append()
        found = list(listed(at))
        append()
        return iter(found)

    append()
    monkeypatch.setattr(sweeping, "_listed", busy)  # the real listing; only the moments of the writers are chosen
    return lambda: committed


@pytest.mark.parametrize("grace", [timedelta(days=1), timedelta(microseconds=1)])
def test_what_a_server_commits_meanwhile_stays(workspace, logged, grace):
    collect(workspace, grace)
    assert len(logged()) > 4
    found = lake_of(workspace).tables.scan(PREDICTIONS).collect()
    assert sorted(found["id"]) == logged()


def test_two_who_make_few_files_of_many_leave_each_row_once(workspace):
    """Delta commits both of two that replace the same files."""
    lake = lake_of(workspace)
    for number in range(12):
        lake.tables.write(PREDICTIONS, pl.DataFrame({"id": [number]}), "append")
    together = threading.Barrier(2)

    def compact() -> None:
        log = lake_of(workspace).upkeep(PREDICTIONS)
        together.wait()
        log.compact(2)

    threads = [threading.Thread(target=compact) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lake.tables.scan(PREDICTIONS).collect()["id"]) == list(range(12))
    assert lake.upkeep(PREDICTIONS).small_files() == 1


def test_old_rows_are_not_deleted_from_files_that_somebody_replaces(workspace, monkeypatch):
    monkeypatch.setattr(upkeep, "_ATTEMPTS", 1)
    monkeypatch.setattr(upkeep, "_TURN_SECONDS", 0.001)
    lake, moment = lake_of(workspace), datetime(2030, 1, 1, tzinfo=UTC)
    for _ in range(2):
        lake.tables.write(PREDICTIONS, pl.DataFrame({"moment": [moment]}), "append")
    log = lake.upkeep(PREDICTIONS)
    with workspace.ledger.locked(f"{workspace.project.name}.upkeep"):
        assert log.compact(2) is None
        with pytest.raises(CommitConflict):
            log.delete_before("moment", moment + timedelta(days=1))
    assert log.delete_before("moment", moment + timedelta(days=1)) == 2


def test_what_no_description_needs_of_the_online_state_is_told_and_freed(workspace):
    """The project of these tests streams nothing: all of it is another's, who was there until two days ago, or is there now."""
    store, now = open_state(workspace), workspace.clock.now()
    spaces = ["state/orders/1", "asked/returned", "learner/returned", "state/orders/2", "asked/late", "learner/late"]
    put = [(Field(space, b"key", b"f"), b"x" * 100) for space in spaces]
    marks = {"filled/state/orders/1/0": b"1", "asked/returned/0": b"{}", "filled/state/orders/2/0": b"1", "asked/late/0": b"{}"}
    marks |= {"learning/returned": b"{}", "learning/late": b"{}"}
    store.commit(Commit(put=put, marks=marks))
    say_kept(store, spaces[:3], now - timedelta(days=2))
    say_kept(store, spaces[3:], now)
    planned, freed = plan_collecting(workspace), collect(workspace)
    assert planned.lines == freed.lines
    assert [(line.what, line.count, line.size_bytes) for line in freed.lines] == [
        ("group of online state", 1, 104),
        ("record of a scoring", 1, 104),
        ("record of a learning", 1, 104),
    ]
    assert [bool(store.walk(space).records) for space in spaces] == [False, False, False, True, True, True]
    assert not collect(workspace).lines
    store.close()


def test_a_state_that_is_away_keeps_nothing_else_from_being_freed(folder):
    handle = hr.load(folder / "project.py", environment={"HEADRACE_USER": "ana", "HEADRACE_STATE": "redis://127.0.0.1:1/0"})
    for report in (plan_collecting(handle.workspace), collect(handle.workspace)):
        (note,) = report.notes
        assert note.startswith("Of the online state nothing is freed: could not")
    handle.close()
