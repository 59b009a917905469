"""Workers that share the partitions of a topic of a real broker, while members, store and broker go away and come back."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from services.kafka import Kafka
from services.redis import Redis

from .stream_chaos import Chaos, place_in


@pytest.fixture(params=["redis", "folder"])
def chaos(request: pytest.FixtureRequest, tmp_path: Path, kafka: Kafka) -> Iterator[Chaos]:
    server = request.getfixturevalue("redis") if request.param == "redis" else None
    with Chaos(place_in(tmp_path / "shop", kafka, server, partitions=4), seed=1) as chaos:
        yield chaos


def test_workers_that_are_killed_frozen_and_left_without_servers_do_everything_once(chaos: Chaos) -> None:
    """Four are killed, on Redis and on a folder. At last, when nobody works, the state is lost."""
    chaos.start_worker()
    chaos.wait_for_progress()
    chaos.start_worker()
    for disturb in (chaos.kill_worker, chaos.restart_state, chaos.kill_worker, chaos.freeze_worker, chaos.restart_kafka, chaos.kill_worker):
        chaos.wait_for_progress()
        disturb()
        if len(chaos.workers) < 2:
            chaos.start_worker()
    chaos.wait_for_progress()
    chaos.stop_worker()
    chaos.kill_worker()
    first = chaos.finish()
    assert first.is_right, first
    assert first.events > 200
    chaos.lose_state()
    again = chaos.finish()
    assert again.is_right, again
    assert "Traceback" not in chaos.words()


def test_what_is_away_is_told_in_one_line_and_whoever_is_told_to_stop_does_not_wait_for_it(
    tmp_path: Path, kafka: Kafka, redis: Redis
) -> None:
    with Chaos(place_in(tmp_path / "shop", kafka, redis, partitions=4), seed=2) as chaos:
        chaos.start_worker()
        chaos.wait_for_progress()
        (worker,) = chaos.workers
        chaos.restart_kafka(after=lambda: chaos.wait_for_words(worker, "orders: .*127.0.0.1:"))
        chaos.wait_for_progress()
        assert "orders: messages come again" in worker.words
        redis.kill()
        try:
            chaos.wait_for_words(worker, "the online state is away, and tried again: could not [^\n]*")
            worker.process.send_signal(signal.SIGINT)
            assert worker.process.wait(20) == 3
        finally:
            redis.start()
        words = worker.words
        assert "Traceback" not in words
        assert len(re.findall("is away, and tried again", words)) == 1
        chaos.workers.clear()
        outcome = chaos.finish()
        assert outcome.is_right, outcome
