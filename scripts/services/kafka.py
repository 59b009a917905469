"""A real broker of Kafka's protocol: that of the package `noida-db`."""

import importlib.util
import itertools
import os
import socket
import stat
import struct
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from services.process import Server, Service, ServiceFailed, free_ports

_SECONDS = 20
Sent = tuple[bytes | None, bytes | None]


class Kafka(Service):
    """A broker that keeps what it was sent while it is stopped and started again, if it is stopped by SIGTERM.

    It asks nobody who he is, and who is a member of which group is not kept.

    One topic for each who asks: `topic()`.
    """

    def __init__(self) -> None:
        self._server = Server("kafka", stop_signal="SIGTERM")
        (self.port,) = free_ports(1)
        self._numbers = itertools.count(1)
        try:
            self.start()
        except BaseException:
            self._server.remove()
            raise

    @property
    def servers(self) -> str:
        """What clients are told of it."""
        return f"127.0.0.1:{self.port}"

    def topic(self, partitions: int = 1) -> str:
        """Make a new, empty topic and return its name."""
        name = f"topic-{next(self._numbers)}"
        admin = self._admin()  # it must live until it is answered
        for made in admin.create_topics([NewTopic(name, partitions, 1)]).values():
            made.result(_SECONDS)
        return name

    def delete(self, topic: str) -> None:
        """Delete a topic with what it holds."""
        admin = self._admin()
        for gone in admin.delete_topics([topic]).values():
            gone.result(_SECONDS)

    def forget(self, topic: str, before: int, partition: int = 0) -> None:
        """Remove the messages of a partition before an offset, as a broker does with those that are old."""
        admin = self._admin()
        for gone in admin.delete_records([TopicPartition(topic, partition, before)]).values():
            gone.result(_SECONDS)

    def send(self, topic: str, values: Iterable[bytes | None], partition: int = 0, key: bytes | None = None,
             headers: Mapping[str, bytes] | None = None) -> None:  # fmt: skip
        """Send messages to a partition, and return when the broker has them."""
        producer = self.producer()
        for value in values:
            producer.produce(topic, value, key, partition=partition, headers=list((headers or {}).items()))
            producer.poll(0)
        if producer.flush(_SECONDS):
            raise ServiceFailed(f"messages to {topic} were not taken:\n{self._server.log()[-3000:]}")

    def expel(self, group: str, clients: Collection[str]) -> None:
        """Take members out of a group, as Kafka does by itself with those that were not heard of for their session's timeout. This broker
        never does: one that was killed would hold the group up for ever.
        """
        admin = self._admin()
        for described in admin.describe_consumer_groups([group]).values():
            for member in described.result(_SECONDS).members:
                if member.client_id in clients:
                    self._leave_group(group, member.member_id)

    def _leave_group(self, group: str, member: str) -> None:
        """Send what a member sends that leaves: https://kafka.apache.org/protocol#The_Messages_LeaveGroup, version 0."""
        request = struct.pack(">hhi", 13, 0, 1) + b"".join(struct.pack(">h", len(text)) + text.encode() for text in ("", group, member))
        with socket.create_connection(("127.0.0.1", self.port), timeout=_SECONDS) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            _, _, error = struct.unpack(">iih", connection.makefile("rb").read(10))
        if error:
            raise ServiceFailed(f"{member} could not be taken out of {group}: error {error}")

    def producer(self, **options: str) -> Producer:
        """Return a producer of one's own; options with `_` for the points in their names."""
        named = {name.replace("_", "."): value for name, value in options.items()}
        return Producer({"bootstrap.servers": self.servers, "log_level": 0, **named})

    def start(self) -> None:
        """Start it again on the same port, with what it held."""
        command = [_program(), "start", "--data-dir", str(self._server.folder / "data"), "--only", "kafka", "--kafka-port", str(self.port)]
        self._server.start(command, self._answers)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.servers, "log_level": 0})

    def _answers(self) -> bool:
        try:
            self._admin().list_topics(timeout=1)
        except KafkaException:
            return False
        return True


def _program() -> str:
    package = importlib.util.find_spec("noida_db")
    if package is None or package.origin is None:
        raise ServiceFailed("There is no broker. Install it: pip install noida-db")
    # Not the package's own command, which starts the program as a child and leaves it running when it is stopped.
    program = Path(package.origin).with_name("noida-db")
    if not os.access(program, os.X_OK):
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return str(program)
