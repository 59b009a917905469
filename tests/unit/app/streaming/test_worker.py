"""The loop over the tables that are followed."""

import shutil
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from tests.e2e.scored_stream import PLAYED
from tests.e2e.small_stream import planned, write_project

import headrace as hr
from headrace.app.scoring.scorer import Scorer
from headrace.app.store import lake_of
from headrace.app.streamed import find_streamed
from headrace.app.streaming import following
from headrace.app.streaming.opening import open_state
from headrace.app.streaming.worker import Watching, _Worker
from headrace.features.stream.reading import answer
from headrace.ledger.store import _WAITS


def test_what_a_worker_does_before_it_listens_is_no_silence(tmp_path: Path) -> None:
    waits: list[float] = []
    handle = hr.load(write_project(tmp_path / "shop", days=5), environment={"HEADRACE_USER": "ana"})
    try:
        watching = Watching(progress=lambda _: waits.append(_WAITS.get()))
        report = handle.stream(["orders"], until_idle=timedelta(microseconds=1), watching=watching)
    finally:
        handle.close()
    assert [line.behind for line in report.tables] == [0]
    assert set(waits) == {1.0}, "a ledger that is away holds up no turn for long"


def test_a_champion_that_needs_state_keeps_nobody_from_leaving_in_order(tmp_path: Path, monkeypatch: Any) -> None:
    stop, project = Event(), write_project(tmp_path / "shop", days=5)
    project.write_text(project.read_text().replace("models=[returned]", PLAYED.format(wait="now")))
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})

    def finds_one(scorer: Scorer, *, at_once: bool = False) -> None:
        if not at_once:
            stop.set()  # as it fills
            scorer._means.patience.go_on()

    monkeypatch.setattr(Scorer, "look", finds_one)
    try:
        report = handle.stream(watching=Watching(stop=stop))
    finally:
        handle.close()
    assert sum(line.flushed for line in report.tables) == sum(line.accepted for line in report.tables) > 0


def test_what_waits_for_somebody_else_has_nothing_brought_into_the_lake_at_each_turn(tmp_path: Path, monkeypatch: Any) -> None:
    """What was learnt waits for a run, which may take hours; another may have the partition by then."""
    project, flushed = write_project(tmp_path / "shop", days=5), []
    project.write_text(project.read_text().replace("models=[returned]", PLAYED.format(wait="now")).replace('"500d"', '"500d", speed=1'))
    monkeypatch.setattr(Scorer, "waiting_since", property(lambda _: 0.0))
    flush = _Worker._flush
    monkeypatch.setattr(_Worker, "_flush", lambda worker, moment: flushed.append(moment) or flush(worker, moment))
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        handle.stream(until_idle=timedelta(seconds=0.7))
    finally:
        handle.close()
    assert len(flushed) == 2, "at first, and as it ends"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", days=5)


def left_by_a_worker(project: Path) -> dict[str, Any]:
    """Follow to the end; return the features of all orders, and the groups that count as filled."""
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        handle.stream(once=True)
        workspace = handle.workspace
        store = open_state(workspace)
        try:
            spine = lake_of(workspace).tables.scan("orders").sort("_arrival").collect()
            features = answer(planned(workspace), store, spine).rows()
            return {"filled": sorted(store.marks("filled/")), "features": features}
        finally:
            store.close()
    finally:
        handle.close()


def test_state_that_was_lost_before_anything_was_on_record_is_made_by_the_first_worker_that_comes(project: Path, monkeypatch: Any) -> None:
    """The worker before died between the lake and the ledger. Nothing new comes: the columns are those that the lake has."""
    with monkeypatch.context() as dying:
        dying.setattr(following, "record_version", lambda *_: None)
        handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
        handle.stream(once=True)
        assert find_streamed(handle.workspace, next(each for each in handle.workspace.project.tables() if each.name == "orders")) is None
        handle.close()
    shutil.rmtree(project.parent / ".headrace" / "stream")
    alone = left_by_a_worker(project)
    assert len(alone["filled"]) == 3
    with (project.parent / "orders.csv").open("a", encoding="utf-8") as orders:
        orders.write("o999,s1,7.5,b1@x.org,2024-02-01T00:00:00Z,2024-02-03T00:00:00Z,true\n")
    more = left_by_a_worker(project)
    assert more["features"][:-1] == alone["features"]
    shutil.rmtree(project.parent / ".headrace")
    assert left_by_a_worker(project) == more  # as if nobody had died
