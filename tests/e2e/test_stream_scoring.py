"""Stream scoring from end to end: each row of the spine is a question, and is answered once, as in batch."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from confluent_kafka import Consumer, TopicPartition
from msgspec.structs import replace
from services.kafka import Kafka

import headrace as hr
from headrace.app.store import lake_of
from headrace.app.stream_reports import StreamReport
from headrace.app.streaming.opening import open_state
from headrace.app.streaming.worker import StreamOptions, Watching, stream
from headrace.features.stores.contract import Commit
from headrace.features.stream.positions import position_prefix, read_position

from .command import refused, run_command
from .receiver import Receiver
from .scored_stream import Answers, answers, kill_often, run_worker, write_scored


def check_once_and_as_in_batch(found: Answers, charged_again: int = 0) -> None:
    assert len(found.rows) > 100
    assert found.told["_arrival"].to_list() == found.rows
    assert sorted(found.told["prediction_id"]) == found.log["id"].to_list()
    assert {frozenset(json.loads(text)) for text in found.log["watermarks"]} == {frozenset(("orders", "shops"))}
    assert found.log["id"].n_unique() == found.charged - charged_again == len(found.rows)
    np.testing.assert_allclose(found.told["score"].to_numpy(), found.scores, rtol=1e-9, atol=0)


@pytest.mark.parametrize("wait", ["now", "complete"])
def test_a_worker_that_is_killed_again_and_again_answers_each_question_once(tmp_path: Path, wait: str) -> None:
    project, last = write_scored(tmp_path / "shop", wait)
    assert kill_often(project, wait, 5, seed=5) >= 3
    run_worker(project, wait)
    found = answers(project, last)
    check_once_and_as_in_batch(found)
    assert not found.unanswered.height
    if wait == "complete":
        forget(project, found)
        run_worker(project, wait)
        found = answers(project, last)
        check_once_and_as_in_batch(found, charged_again=20)
    assert "stream" in run_command(project, "why", found.told["prediction_id"][7]).out
    assert "0 predictions" in run_command(project, "stream", "--once").out
    for command in ("gc --yes", "doctor", "status"):
        run_command(project, *command.split())
    assert answers(project, last).told.equals(found.told)


def test_what_is_asked_about_a_time_that_the_state_has_left_is_set_aside_with_the_reason(tmp_path: Path) -> None:
    project, last = write_scored(tmp_path / "shop", "now")
    left = datetime(2024, 2, 20, tzinfo=UTC)
    drop_before(project, left)
    assert ", 178 could not be answered" in run_command(project, "stream", "--once").out
    found = answers(project, last)
    assert (found.told["as_of"] >= left).all()
    left_out = found.unanswered
    assert sorted([*found.told["_arrival"], *left_out["_arrival"]]) == found.rows
    assert (left_out["as_of"] < left).all()
    assert left_out["_reason"].unique().to_list() == [
        "asked as of a moment before 2024-02-20 00:00:00 UTC, from when on 'orders' is kept for questions: see history="
    ]
    assert found.charged == found.log.height == found.told.height


def forget(project: Path, found: Answers) -> None:
    """Lose the state, and some answers that the lake had."""
    handle = hr.load(project)
    lost = found.told["prediction_id"][100:120].to_list()
    for name, column in (("predictions/returns", "prediction_id"), ("predictions/log", "id")):
        tables = lake_of(handle.workspace).tables
        tables.write(name, tables.scan(name).filter(~pl.col(column).is_in(lost)).collect())
    shutil.rmtree(handle.workspace.state_url)
    handle.close()


def drop_before(project: Path, moment: datetime) -> None:
    """Say that the state has dropped rows which only questions before a moment need."""
    handle = hr.load(project)
    store = open_state(handle.workspace)
    ((name, value),) = store.marks(position_prefix("orders")).items()
    store.commit(Commit(marks={name: replace(read_position(value), horizon_us=round(moment.timestamp() * 1e6)).to_bytes()}))
    store.close()
    handle.close()


def test_predictions_go_to_a_topic_and_to_an_address_that_fails_at_first(tmp_path: Path, kafka: Kafka) -> None:
    project, last = write_scored(tmp_path / "shop", "now")
    topic = kafka.topic(partitions=2)
    with Receiver() as receiver:
        text = project.read_text(encoding="utf-8")
        outside = f'hr.ToKafka("{topic}", servers="{kafka.servers}"), hr.Webhook("{receiver.url}", secret="${{HOOK_SECRET}}")'
        project.write_text(text.replace('hr.ToTable("returns")', f'hr.ToTable("returns"), {outside}'), encoding="utf-8")
        assert "the secret ${HOOK_SECRET} cannot be read" in refused(project.parent, "stream", "--once")

        receiver.status = 503
        first = streamed(project)
        assert f"predictions are not taken by {receiver.url}: it answers 503; they are kept, and sent again" in first.notes
        found = answers(project, last)
        check_once_and_as_in_batch(found)
        ids = found.told["prediction_id"].to_list()
        assert {each["id"] for each in receiver.refused} == {ids[0]}, "the first of the partition, again and again"

        receiver.status = 204
        again = streamed(project)
    assert not again.notes[1:], again.notes
    assert [each["id"] for each in receiver.taken] == ids
    assert all(each["signature"] == each["expected"] for each in receiver.taken)
    assert json.loads(receiver.taken[0]["body"])["prediction_id"] == ids[0]
    messages = messages_of(kafka, topic, len(ids))
    assert [(key or b"").decode() for key, _ in messages] == ids
    assert [json.loads(value or b"")["score"] for _, value in messages] == found.told["score"].to_list()
    assert answers(project, last).told.equals(found.told)


def messages_of(kafka: Kafka, topic: str, count: int) -> list[tuple[bytes | None, bytes | None]]:
    """Return the messages of a topic whose first partition has so many, and whether it has more."""
    consumer = Consumer({"bootstrap.servers": kafka.servers, "group.id": topic, "log_level": 0})
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in (0, 1)])
        came = consumer.consume(count, 30) + consumer.consume(1, 1)
    finally:
        consumer.close()
    assert {each.partition() for each in came} == {0}
    return [(each.key(), each.value()) for each in came]


def streamed(project: Path) -> StreamReport:
    handle = hr.load(project, environment={"HEADRACE_USER": "ana", "HOOK_SECRET": Receiver.SECRET})
    try:
        return stream(handle.workspace, StreamOptions(once=True), Watching())
    finally:
        handle.close()
