"""The partitions of topics, numbered within a table."""

from collections.abc import Collection
from typing import Any

from confluent_kafka import TopicPartition

from headrace.ingest.errors import SourceRefused
from headrace.ingest.stream.decoding import Lane
from headrace.ingest.stream.messages import PARTITIONS
from headrace.spec.streams import Kafka

_OF_ONE_TOPIC = 64


class Lanes:
    """Numbers partitions: those of one topic as they are, those of several in blocks of 64, so that a topic more changes no number."""

    def __init__(self, topics: tuple[str, ...]) -> None:
        self._topics = topics
        self._block = _OF_ONE_TOPIC if len(topics) > 1 else PARTITIONS
        self._first = {topic: index * self._block for index, topic in enumerate(topics)}

    def number_of(self, topic: str, partition: int) -> int:
        """Return the number of a topic's partition."""
        return self._first[topic] + partition

    def number(self, place: Any) -> int:
        """Return the number of a partition as the library names it."""
        return self.number_of(place.topic, place.partition)

    def lane(self, number: int) -> Lane:
        """Return the topic and both numbers."""
        index, partition = divmod(number, self._block)
        return Lane(self._topics[index], partition, number)

    def place(self, number: int, offset: int | None = None) -> Any:
        """Return a partition, and an offset in it, as the library names them."""
        topic, partition, *_ = self.lane(number)
        return TopicPartition(topic, partition) if offset is None else TopicPartition(topic, partition, offset)

    def check(self, source: Kafka, topic: str, partitions: Collection[int]) -> None:
        """Check that each partition has a number.

        Raises:
            SourceRefused: if there are too many.
        """
        if len(partitions) > self._block:
            reason = f"its topic {topic!r} has {len(partitions):,} partitions, and at most {self._block:,} can be told apart"
            remedy = "Read each topic into a table of its own." if len(self._topics) > 1 else "Read a topic of fewer partitions."
            raise SourceRefused(source.place, reason, remedy, source.location)
