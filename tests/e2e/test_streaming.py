"""Streams from end to end: what a replay brings is in the lake, in quarantine and in the state, once, and means what it means in batch."""

import json
import shutil
import signal
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from services.kafka import Kafka

import headrace as hr
from headrace.app.errors import StreamedRowsLost
from headrace.app.store import lake_of
from headrace.app.streaming.opening import open_state
from headrace.app.streaming.worker import StreamOptions, Watching, stream
from headrace.features.stream.reading import answer

from . import stream_crashing
from .command import refused, run_command, started
from .small_stream import planned, write_project

WHOLE = "1,187 rows, known until 2024-02-29 23:05:00 UTC (13 quarantined, 30 duplicates)"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "shop", days=60)


def in_batch_and_from_state(project: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the features of all orders as a run has made them, and as the state answers."""
    handle = hr.load(project)
    try:
        workspace = handle.workspace
        tables = lake_of(workspace).tables
        batch = tables.scan("features/returned").sort("_arrival").collect().drop("_arrival")
        store = open_state(workspace)
        streamed = answer(planned(workspace), store, tables.scan("orders").sort("_arrival").collect())
        store.close()
    finally:
        handle.close()
    return batch, streamed.select(batch.columns)


def test_what_was_streamed_means_the_same_in_batch_and_in_the_state(project: Path) -> None:
    assert "nothing was streamed into the table 'orders' yet" in refused(project.parent, "run")
    assert "orders: nothing was streamed yet" in run_command(project, "run", "--dry-run").out
    first = run_command(project, "stream")
    assert "1,235 events" in first.out
    assert WHOLE in run_command(project, "run").err
    assert "Nothing to do" in run_command(project, "run", "--dry-run").out
    assert "0 events" in run_command(project, "stream", "--until-idle", "1s").out
    batch, streamed = in_batch_and_from_state(project)
    assert_frame_equal(streamed, batch, rel_tol=1e-9, abs_tol=0)
    assert batch["shop_orders_7d"].max() > 10
    for command in ("status", "doctor", "gc --dry-run", "show orders"):
        run_command(project, *command.split())

    # Another window, and one that nobody needs any more.
    text = project.read_text(encoding="utf-8")
    changed = text.replace('by="shop", over="1d"', 'by=["shop", "email"], over="1d"').replace('by="email"),\n', 'by="shop"),\n')
    assert changed != text
    project.write_text(changed, encoding="utf-8")
    run_command(project, "stream", "--once")
    run_command(project, "run")
    batch, streamed = in_batch_and_from_state(project)
    assert_frame_equal(streamed, batch, rel_tol=1e-9, abs_tol=0)


def test_a_worker_that_is_killed_again_and_again_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    """Twelve times in a row, at points on either side of whatever it makes known. Nor do two that take the same rows for theirs.

    Then the store is lost, and at last the lake.
    """
    reference = stream_crashing.write_project(tmp_path / "undisturbed")
    stream_crashing.run_worker(reference)
    expected = stream_crashing.facts(reference)
    assert expected["recorded"][:5] == (548, 527, 7, 14, 67)
    killed = stream_crashing.write_project(tmp_path / "killed", reference)
    assert stream_crashing.kill_often(killed, 12, seed=1) >= 10
    stream_crashing.run_worker(killed)
    assert stream_crashing.differences(expected, stream_crashing.facts(killed)) == {}

    together = stream_crashing.write_project(tmp_path / "together", reference)
    stream_crashing.run_workers(together, 2)
    assert stream_crashing.differences(expected, stream_crashing.facts(together)) == {}

    shutil.rmtree(killed.parent / ".headrace" / "stream")
    stream_crashing.run_worker(killed)
    assert stream_crashing.differences(expected, stream_crashing.facts(killed)) == {}
    shutil.rmtree(killed.parent / ".headrace" / "lake" / "returns" / "orders")
    handle = hr.load(killed)
    try:
        with pytest.raises(StreamedRowsLost, match="had rows of the stream of table 'orders' until offset 615"):
            handle.stream(once=True)
    finally:
        handle.close()


def test_a_worker_that_is_told_to_stop_keeps_what_it_took_and_goes_on_the_next_time(project: Path) -> None:
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace('remember="2d"', 'remember="2d", speed=200_000'), encoding="utf-8")
    with started(project.parent, "stream", "--metrics-port", "0") as process:
        assert process.stderr is not None
        assert "metrics at http://127.0.0.1:" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert "Followed 2 tables" in out
    project.write_text(text, encoding="utf-8")
    run_command(project, "stream")
    assert WHOLE in run_command(project, "run", "--dry-run").out


def test_rows_wait_in_the_state_while_the_lake_is_away_and_no_more_are_taken_than_may(project: Path) -> None:
    handle = hr.load(project)
    said: list[str] = []
    place = project.parent / ".headrace" / "lake" / "returns"
    place.parent.mkdir(parents=True)
    place.touch()

    def say(words: str) -> None:
        said.append(words)
        if "nothing more is taken" in words:
            place.unlink()

    try:
        report = stream(handle.workspace, StreamOptions(flush_bytes=1, most_waiting_bytes=1, once=True), Watching(say=say, stop=Event()))
    finally:
        handle.close()
    assert "the lake is away, and tried again" in said[0]
    assert [words for words in said if "nothing more" in words or "is back" in words] == [
        "nothing more is taken until what waits is in the lake",
        "the lake is back",
    ]
    assert {line.table: line.flushed for line in report.tables} == {"orders": 1187, "shops": 5}


PLAIN = """
import headrace as hr
from headrace import col

orders = hr.Events(
    "orders", source=hr.Kafka({topic!r}, servers={servers!r}), types={{"at": "datetime"}}, columns={columns}, id="id", time="at"
)
mean = hr.window(orders, col({averaged!r}).mean(), by="shop", over="1d")
features = hr.Features(spine=orders, as_of=col("at"), given=["shop", "at"], values={{"mean": mean}})
split = hr.split.by_time(validation="1d", test="1d")
returned = hr.Model(
    "returned", features=features, target=col("returned"), split=split, candidates=[hr.Baseline()], metric="roc_auc"
)
project = hr.Project("columns", models=[returned])
"""


def described(project: Path, topic: str, kafka: Kafka, averaged: str = "cents", columns: str = "{}") -> None:
    """Describe a project that follows a topic, and averages a column of it."""
    project.write_text(PLAIN.format(topic=topic, servers=kafka.servers, averaged=averaged, columns=columns), encoding="utf-8")


def cheap_orders(count: int) -> list[bytes]:
    """Return so many messages."""
    orders = [{"id": n, "shop": "a", "cents": n, "returned": False, "at": f"2026-01-01T10:0{n}:00Z"} for n in range(count)]
    return [json.dumps(each).encode() for each in orders]


def test_a_worker_that_fails_leaves_its_group_so_that_the_next_one_need_not_wait(tmp_path: Path, kafka: Kafka) -> None:
    topic, project = kafka.topic(), tmp_path / "project.py"
    kafka.send(topic, cheap_orders(3))
    described(project, topic, kafka, averaged="cent")
    said = refused(tmp_path, "stream", "--once")
    assert "there is no column 'cent'" in said
    assert "Did you mean 'cents'?" in said
    described(project, topic, kafka)
    assert "3 events" in run_command(project, "stream", "--once", "--until-idle", "20s").out


def test_columns_that_are_declared_in_the_middle_are_refused_before_a_row_is_taken(tmp_path: Path, kafka: Kafka) -> None:
    topic, project, orders = kafka.topic(), tmp_path / "project.py", cheap_orders(5)
    described(project, topic, kafka)
    kafka.send(topic, orders[:3])
    assert "3 events" in run_command(project, "stream", "--once").out
    described(project, topic, kafka, columns='{"euros": col("cents") / 100, "cents": col("cents").cast("float")}')
    kafka.send(topic, orders[3:])
    said = refused(tmp_path, "stream", "--once")
    assert "'euros' (float) is new, 'cents' was int and is float." in said
    assert "No row was taken." in said
    described(project, topic, kafka)
    assert "2 events" in run_command(project, "stream", "--once").out
    workspace = hr.load(project).workspace
    assert lake_of(workspace).tables.scan("orders").collect()["cents"].sort().to_list() == [0, 1, 2, 3, 4]
