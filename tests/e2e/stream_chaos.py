"""Workers of one group that are killed, told to stop and started, and servers that go away and come back, while messages flow."""

import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Self

import redis
from confluent_kafka import KafkaError, Message, Producer

import headrace as hr
from headrace.app.streaming.opening import open_state
from headrace.features.stores.errors import StoreFault

from . import kafka_stream
from .command import environment, hear_interrupts

if TYPE_CHECKING:
    from services.kafka import Kafka
    from services.redis import Redis

# The command, which brings rows into the lake often and takes few at a time, so that a moment chosen at random is often within something.
CHILD = """
import sys
from headrace.app.streaming import following, horizon, worker
from headrace.ingest.stream import kafka
worker.StreamOptions.__init__.__kwdefaults__.update(flush_seconds=1.0, flush_bytes=30_000)
following._BATCH_ROWS, horizon._SWEEP_SECONDS = 60, 1.0
kafka.KafkaFollower.__init__.__defaults__ = (40,)
from headrace.cli.main import main
sys.argv = ["headrace", "stream", *sys.argv[1:]]
main()
"""
STOP_SECONDS = 30
_PATIENCE_SECONDS, _HELD_UP_SECONDS, _LOOK_SECONDS = 150, 40, 2
_AHEAD, _AT_ONCE = 400, 5
_AWAY_AT_THE_START = ("could not open the online state", "cannot be reached")


class Stuck(AssertionError):
    """Something did not come to its end."""


class BrokerForgot(AssertionError):
    """The broker does not hold what it acknowledged: nothing can be said of those who read it."""


@dataclass
class Worker:
    """A process of the group, and what it says."""

    process: "subprocess.Popen[bytes]"
    member: str
    said: Path

    @property
    def words(self) -> str:
        return self.said.read_text(encoding="utf-8", errors="replace")


@dataclass
class Place:
    """Where the workers work."""

    project: Path
    kafka: "Kafka"
    topic: str
    partitions: int
    environment: Mapping[str, str]
    redis: "Redis | None" = None


def place_in(folder: Path, kafka: "Kafka", redis: "Redis | None", partitions: int) -> Place:
    """Return a new place: a project that follows a new topic, with its state in Redis, or in a folder of its own."""
    topic = kafka.topic(partitions)
    project = kafka_stream.write_project(folder, kafka, topic)
    return Place(project, kafka, topic, partitions, {"HEADRACE_STATE": redis.place()} if redis else {}, redis)


class Chaos:
    """Does things to the workers and the servers of one place, and counts them."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place, self.did = place, Counter[str]()
        self.random = random.Random(seed)
        self.workers: list[Worker] = []
        self._dead = set[str]()
        self._logs = place.project.parent / "said"
        self._logs.mkdir()
        self._handle = hr.load(place.project, environment={"HEADRACE_USER": "ana", "MEMBER": "", **place.environment})
        self._store, self._known = open_state(self._handle.workspace), 0
        self._feed = Feed(place, seed, self._reached)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def run(self, kills: int) -> None:
        """Do things at random moments until so many workers have been killed: one never without another at work."""
        while self.did["worker killed"] < kills:
            while len(self.workers) < self.random.choice((2, 2, 3)):
                self.start_worker()
            self.wait_for_progress()
            time.sleep(self.random.random() * 2)
            self._something()

    def _something(self) -> None:
        chosen = self.random.random()
        if chosen < 0.6:
            self.kill_worker()
        elif chosen < 0.7:
            self.stop_worker()
        elif chosen < 0.8:
            self.freeze_worker(self.random.uniform(1, 5))
        elif chosen < 0.9 and self.place.redis is not None:
            self.restart_redis(self.random.uniform(0, 3), kill=self.random.random() < 0.5)
        else:
            self.restart_kafka(self.random.uniform(0, 3))

    def start_worker(self) -> None:
        """Let another member join."""
        member = f"member-{len(list(self._logs.iterdir()))}"
        said = self._logs / f"{member}.txt"
        with said.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-c", CHILD], cwd=self.place.project.parent, env=environment(**self.place.environment, MEMBER=member),
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, preexec_fn=hear_interrupts,
            )  # fmt: skip
        self.workers.append(Worker(process, member, said))
        self.did["worker started"] += 1

    def kill_worker(self) -> None:
        """End one by `kill -9`, and let the group find out."""
        worker = self._one()
        worker.process.kill()
        worker.process.wait()
        self._dead.add(worker.member)
        self.place.kafka.expel(kafka_stream.GROUP, self._dead)
        self.did["worker killed"] += 1

    def stop_worker(self) -> None:
        """Tell one to stop, and see that it does so within seconds."""
        worker = self._one()
        if worker.process.poll() is None:
            self._stopped(worker)
        self.did["worker told to stop"] += 1

    def freeze_worker(self, seconds: float = 4) -> None:
        """Keep one from doing anything until others have its partitions; when it goes on, it does not know."""
        worker = self._one()
        worker.process.send_signal(signal.SIGSTOP)
        self.place.kafka.expel(kafka_stream.GROUP, [worker.member])
        time.sleep(seconds)
        worker.process.send_signal(signal.SIGCONT)
        self.workers.append(worker)
        self.did["worker frozen"] += 1

    def restart_redis(self, seconds: float, *, kill: bool = False) -> None:
        """Take the server of the state away for some seconds."""
        server = self.place.redis
        assert server is not None
        server.kill() if kill else server.stop()
        time.sleep(seconds)
        server.start()
        self.did[f"Redis {'killed' if kill else 'stopped'}"] += 1

    def restart_state(self) -> None:
        """Kill the server of the state, if it is one."""
        if self.place.redis is not None:
            self.restart_redis(1, kill=True)

    def restart_kafka(self, seconds: float = 1, after: Callable[[], None] = lambda: None) -> None:
        """Take the broker away for some seconds. It forgets who was a member, and may lose what it took in its last moments."""
        with self._feed.pausing():
            self.place.kafka.stop()
            try:
                time.sleep(seconds)
                after()
            finally:
                self.place.kafka.start()
        self.did["broker stopped"] += 1

    def lose_state(self) -> None:
        """Remove all that the store holds, while nobody works."""
        assert not self.workers
        self._store.close()
        if self.place.redis is None:
            shutil.rmtree(self.place.project.parent / ".headrace" / "stream")
        else:
            with redis.Redis.from_url(self._handle.workspace.state_url.rpartition("/")[0]) as client:
                client.flushall()
        self._store, self._known = open_state(self._handle.workspace), 0
        self.did["state lost"] += 1

    def wait_for_progress(self) -> None:
        """Wait until the positions move: whoever is killed then was at work."""
        before = self._reached()
        self._until(lambda: self._reached() > before, "nothing moves")

    def wait_for_words(self, worker: Worker, pattern: str) -> None:
        """Wait until a worker says something."""
        self._until(lambda: re.search(pattern, worker.words) is not None, f"nobody said {pattern!r}", expel=False)

    def finish(self) -> kafka_stream.Outcome:
        """Let all messages be taken, tell everybody to stop, and compare."""
        if not self.workers:
            self.start_worker()
        self._feed.stop()
        log = kafka_stream.log_of(self.place.kafka, self.place.topic, self.place.partitions)
        held = {(partition, offset): message for partition, found in log.items() for offset, message in found}
        forgotten = sum(held.get(place) != message for place, message in self._feed.acknowledged.items())
        if forgotten:
            raise BrokerForgot(f"the broker lost {forgotten} messages that it had acknowledged")
        ends = sum(len(found) for found in log.values())
        self._until(lambda: self._reached() == ends, "not all is taken")
        while self.workers:
            self._stopped(self.workers.pop())
        return kafka_stream.outcome(self.place.project, log, self.place.environment)

    def leave(self) -> None:
        """End whatever is left, quickly."""
        self._feed.stop(sends_all=False)
        for worker in self.workers:
            worker.process.kill()
            worker.process.wait()
        self.workers.clear()
        self._store.close()
        self._handle.close()

    def words(self) -> str:
        """Return what all workers said."""
        return "\n".join(each.read_text(encoding="utf-8", errors="replace") for each in sorted(self._logs.iterdir()))

    def _one(self) -> Worker:
        return self.workers.pop(self.random.randrange(len(self.workers)))

    def _stopped(self, worker: Worker) -> None:
        began = time.monotonic()
        worker.process.send_signal(signal.SIGTERM)
        try:
            code = worker.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
            raise Stuck(f"a worker did not stop: {worker.words}") from None
        self.did["slowest stop, seconds"] = max(self.did["slowest stop, seconds"], round(time.monotonic() - began))
        assert code in (0, -signal.SIGTERM), worker.words  # a signal that comes as it starts ends it at once

    def _reached(self) -> int:
        """Return how many messages the positions are beyond, as far as that is known: the store may be away."""
        with suppress(StoreFault):
            self._known = sum(each.next_offset for each in kafka_stream.positions(self._store, self.place.partitions).values())
        return self._known

    def _look_after(self) -> None:
        """See that nobody has ended, but those who were started while a server was away: they say so, and others are started."""
        for worker in list(self.workers):
            code = worker.process.poll()
            if code is not None:
                self.workers.remove(worker)
                if code < 0 or not any(words in worker.words for words in _AWAY_AT_THE_START):
                    raise Stuck(f"{worker.member} ended by itself ({code}): {worker.words}")
                self.did["refused at the start"] += 1
                self.start_worker()

    def _until(self, true: Callable[[], bool], otherwise: str, *, expel: bool = True) -> None:
        looked = time.monotonic()
        deadline, freeing = looked + _PATIENCE_SECONDS, looked + _HELD_UP_SECONDS
        while not true():
            self._look_after()
            if time.monotonic() > deadline:
                raise Stuck(f"{otherwise}: {self.words()}")
            time.sleep(0.2)
            if expel and time.monotonic() > looked + _LOOK_SECONDS:  # who was killed as he joined was no member yet
                self.place.kafka.expel(kafka_stream.GROUP, self._dead)
                looked = time.monotonic()
            if expel and time.monotonic() > freeing:  # the broker waits for one that it does not list: only a new start makes it forget
                self.restart_kafka()
                self.did["group held up"] += 1
                freeing = time.monotonic() + _HELD_UP_SECONDS


class Feed:
    """Sends messages in the background, some more every moment, whatever goes on; but never far ahead of what was taken."""

    def __init__(self, place: Place, seed: int, taken: Callable[[], int]) -> None:
        self._place, self._taken, self._sent = place, taken, 0
        self.acknowledged: dict[tuple[int | None, int | None], bytes | None] = {}
        self._stop, self._paused = threading.Event(), threading.Event()
        self._messages = [kafka_stream.messages(1000 * seed + partition) for partition in range(place.partitions)]
        # Tried again for as long as the broker is away; what it took twice then has an offset of its own, and is a repeat.
        self._producer = Producer(
            {"bootstrap.servers": place.kafka.servers, "log_level": 0, "message.timeout.ms": 120_000, "reconnect.backoff.max.ms": 300}
        )
        self._thread = threading.Thread(target=self._send, name="feed")
        self._thread.start()

    def stop(self, *, sends_all: bool = True) -> None:
        """Send nothing more, and wait until the broker has what was sent, if it is to get all."""
        self._stop.set()
        self._thread.join()
        if sends_all:
            assert self._producer.flush(60) == 0
        else:
            self._producer.purge()

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Send nothing while the block runs, nor in the second before."""
        self._paused.set()
        assert self._producer.flush(60) == 0
        time.sleep(1)
        try:
            yield
        finally:
            self._paused.clear()

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged[message.partition(), message.offset()] = message.value()

    def _send(self) -> None:
        while not self._stop.wait(0.1):
            self._producer.poll(0)
            if self._sent - self._taken() < _AHEAD and not self._paused.is_set():
                for partition, messages in enumerate(self._messages):
                    for message in islice(messages, _AT_ONCE):
                        self._producer.produce(self._place.topic, message, partition=partition, on_delivery=self._told)
                        self._sent += 1
