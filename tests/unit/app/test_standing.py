"""How streams stand: what status tells of them, and what the doctor finds wrong with them."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.e2e.small_stream import write_project

from headrace.app.doctor.patient import Patient
from headrace.app.doctor.streams import check_spread, check_streams
from headrace.app.doctoring import examine
from headrace.app.loading import load_project
from headrace.app.looking import status
from headrace.app.reports import CheckLine
from headrace.app.settings import read_settings
from headrace.app.streaming.opening import open_state
from headrace.app.streaming.outbox import chunk_field, pack
from headrace.app.streaming.presence import Presence
from headrace.app.streaming.worker import StreamOptions, Watching, stream
from headrace.app.workspace import Workspace
from headrace.cli.render_stream import standing
from headrace.core.clock import FixedClock, SystemClock
from headrace.features.stores.contract import Commit, StateStore
from headrace.features.stores.errors import StoreDamaged

POSITION, FLUSHED = "position/orders/0", "flushed/orders/0"


def opened(path: Path, **environment: str) -> Workspace:
    return Workspace(load_project(path), read_settings(path, environment), {"HEADRACE_USER": "ana"}, SystemClock())


@pytest.fixture(scope="module")
def streamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_project(tmp_path_factory.mktemp("standing") / "shop", days=10)
    workspace = opened(path)
    stream(workspace, StreamOptions(once=True), Watching())
    workspace.close()
    return path


@pytest.fixture
def project(streamed: Path, tmp_path: Path) -> Path:
    """Return the project in a home of its own, in which everything was streamed."""
    shutil.copytree(streamed.parent, tmp_path / "shop")
    return tmp_path / "shop" / streamed.name


@contextmanager
def state_of(workspace: Workspace) -> Iterator[StateStore]:
    store = open_state(workspace)
    yield store
    store.close()


def found(workspace: Workspace) -> list[CheckLine]:
    lines = list(check_streams(Patient(workspace, mending=False, alone=True)))
    workspace.close()
    return lines


def doctor_lines(workspace: Workspace) -> list[CheckLine]:
    """Return what the doctor says of streams, whatever the check raises."""
    return [line for line in examine(workspace).checks if line.check == "streams"]


def change(workspace: Workspace, mark: str, **told: object) -> None:
    """Change what a position says."""
    with state_of(workspace) as store:
        before = json.loads(store.marks(mark)[mark])
        store.commit(Commit(marks={mark: json.dumps(before | told).encode()}))


def test_status_tells_how_far_each_table_was_followed_and_by_whom(project):
    workspace = opened(project)
    with state_of(workspace) as store:
        alive, killed = Presence(store, workspace.clock), Presence(store, FixedClock(workspace.clock.now() - timedelta(minutes=1)))
        killed.renew({"orders": [], "shops": [0]})
        alive.renew({"orders": [0]})
        report = status(workspace)
        workspace.close()
        orders, shops = report.streams
        assert (orders.accepted, orders.duplicates, orders.quarantined) == (197, 5, 3)
        assert orders.watermark is not None
        assert orders.newest == orders.watermark + timedelta(hours=2)
        assert orders.committed is not None
        assert workspace.clock.now() - orders.committed < timedelta(minutes=5)
        assert [(each.partition, each.next, each.in_lake) for each in orders.partitions] == [(0, 205, 205)]
        assert [(each.alive, each.partitions) for each in orders.workers] == [(False, []), (True, [0])]
        assert (shops.watermark, shops.why) == (None, "its rows have no time")
        told = "\n".join(standing(report))
        assert f"2 workers ({orders.workers[0].host}:{os.getpid()}, silent since" in told
        alive.end()
        killed.begin()
        assert store.marks("worker/").keys() == {killed._mark}
        Presence(store, FixedClock(workspace.clock.now() + timedelta(days=2))).begin()
        assert not store.marks("worker/")


def test_status_says_that_the_state_is_away_and_what_the_ledger_knows(project):
    workspace = opened(project, HEADRACE_STATE="redis://127.0.0.1:1/0")
    orders, _ = status(workspace).streams
    workspace.close()
    assert "redis://127.0.0.1:1/0" in orders.trouble
    assert orders.why == "the online state cannot be asked"
    assert orders.newest is not None


def test_a_state_that_agrees_with_the_lake_is_well_and_one_that_is_gone_is_not(project):
    workspace = opened(project)
    (line,) = found(workspace)
    assert (line.well, line.finding) == (True, "2 partitions of 2 tables, state and lake agree")
    shutil.rmtree(workspace.state_url)
    (line,) = found(workspace)
    assert line.finding == "the online state is gone, and orders, shops had been streamed"
    assert not Path(workspace.state_url).exists(), "who looks makes no state"
    with state_of(workspace):
        pass
    assert [line.finding for line in found(workspace)] == [
        f"the online state knows nothing of {name}, which had been streamed" for name in ("orders", "shops")
    ]


def test_a_state_that_was_cut_off_is_told_by_all_who_open_it_and_made_anew_once_it_is_moved_away(project):
    """Each of them was killed before."""
    workspace = opened(project)
    os.truncate(Path(workspace.state_url, "data.mdb"), 20_000)
    (line,) = doctor_lines(workspace)
    assert (line.well, "is damaged: pages that it needs are not there" in line.finding) == (False, True)
    assert "is damaged" in status(workspace).streams[0].trouble
    with pytest.raises(StoreDamaged):
        open_state(workspace)  # as servers do
    with pytest.raises(StoreDamaged):
        stream(workspace, StreamOptions(once=True), Watching())
    Path(workspace.state_url).rename(project.parent / "aside")
    assert sum(table.accepted for table in stream(workspace, StreamOptions(once=True), Watching()).tables) == 0, "the lake has all"
    (line,) = found(workspace)
    assert (line.well, line.finding) == (True, "2 partitions of 2 tables, state and lake agree")


def test_a_state_older_than_the_lake_and_a_lake_that_lost_rows_are_told_apart(project):
    workspace = opened(project)
    change(workspace, POSITION, next_offset=150)
    assert "is older than the lake: it is at message 150, the lake at 205" in found(workspace)[0].finding
    with state_of(workspace) as store:
        store.commit(Commit(marks={FLUSHED: b"300"}))
    assert "the lake had rows of the stream of table 'orders' until offset 300" in found(workspace)[0].finding


def test_rows_that_wait_long_for_the_lake_are_found(project):
    workspace = opened(project)
    change(workspace, POSITION, next_offset=250, committed_us=1_700_000_000_000_000)
    assert found(workspace)[0].well, "none of them is for the table"
    with state_of(workspace) as store:
        store.commit(Commit(put=[(chunk_field("orders", 0, 249), pack(250, pl.DataFrame({"a": [1]}), pl.DataFrame(), pl.DataFrame()))]))
    change(workspace, POSITION, committed_us=int(time.time() * 1e6))
    assert found(workspace)[0].well, "they have just come"
    change(workspace, POSITION, committed_us=1_700_000_000_000_000)
    (line,) = found(workspace)
    assert "rows of partition 0 of orders wait for the lake since 2023-11-14 22:13 UTC" in line.finding
    assert "headrace stream --once" in line.remedy


def test_groups_that_are_not_filled_are_found(project):
    workspace = opened(project)
    with state_of(workspace) as store:
        filled = next(iter(store.marks("filled/state/orders/")))
        store.commit(Commit(marks={filled: None}))
    (line,) = found(workspace)
    assert "of state of orders, and 1 of " in line.finding


def test_what_killed_work_shared_is_found_and_removed(project):
    workspace = opened(project)
    shared = workspace.settings.home / "spread" / "returns"
    old, new, step = (shared / name for name in ("predict/bat_1/rows.arrow", "predict/bat_2/rows.arrow", "run/abc/rows.arrow"))
    for path in (old, new, step):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"rows")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    (line,) = check_spread(Patient(workspace, mending=False, alone=False))
    assert line.finding == "1 thing left by killed work on several machines (4 B), such as spread/predict/bat_1"
    (line,) = check_spread(Patient(workspace, mending=True, alone=True))
    assert line.mended
    assert [path.exists() for path in (old, new, step)] == [False, True, False]
    assert not list(check_spread(Patient(workspace, mending=False, alone=True)))
    workspace.close()


def test_a_topic_that_was_made_anew_and_a_broker_that_is_away_are_found(project, kafka, monkeypatch):
    topic = kafka.topic()
    replayed = project.read_text(encoding="utf-8")
    source = 'hr.Replay(hr.File("orders.csv"), lateness="2h", remember="2d", history="500d")'
    project.write_text(replayed.replace(source, f'hr.Kafka("{topic}", servers="{kafka.servers}")'), encoding="utf-8")
    monkeypatch.setattr("headrace.ingest.stream.kafka_asking.Asking.topic_ids", lambda _: {topic: "new"})
    workspace = opened(project)
    change(workspace, POSITION, origin=f"{topic}#new")
    assert found(workspace)[0].well
    change(workspace, POSITION, origin=f"{topic}#old")
    (line,) = found(workspace)
    assert line.finding == f"topic '{topic}' was deleted and made anew since it was read into orders: its offsets count other messages"
    monkeypatch.undo()
    project.write_text(replayed.replace(source, 'hr.Kafka("orders", servers="127.0.0.1:1")'), encoding="utf-8")
    workspace = opened(project)
    monkeypatch.setattr("headrace.app.doctor.streams._ANSWER_SECONDS", 0.3)
    assert "127.0.0.1:1, topic orders cannot be reached" in found(workspace)[0].finding
    assert "127.0.0.1:1, topic orders cannot be reached" in status(workspace).streams[0].trouble
    workspace.close()
