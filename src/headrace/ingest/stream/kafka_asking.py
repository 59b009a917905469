"""What a broker says of topics and groups to who asks from beside the stream."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from confluent_kafka import ConsumerGroupState, IsolationLevel, KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is there, and not declared

from headrace.core.secrets import Secrets
from headrace.ingest.errors import SourceUnreachable
from headrace.ingest.stream.kafka_faults import options_refused
from headrace.ingest.stream.kafka_log import KafkaLog, words_of
from headrace.ingest.stream.lanes import Lanes
from headrace.spec.streams import Kafka

_END: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the library does not say its types
_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"
"""What stands for a topic's id where the broker has none: 16 bytes of zero."""


class Asking:
    """Asks the broker of a source, each time for at most so many seconds. For one thread."""

    def __init__(self, source: Kafka, secrets: Secrets, seconds: float) -> None:
        """Take the source. Nothing is connected to yet.

        Raises:
            SpecError: if the library does not take the options.
            SecretMissing: if one is not there.
        """
        self._source, self._secrets, self._seconds = source, secrets, seconds
        self._lanes = Lanes(source.topics)
        options = {name: secrets.fill(value) for name, value in source.options.items()}
        ours: dict[str, Any] = {"bootstrap.servers": secrets.fill(source.servers), "logger": KafkaLog(secrets)}
        try:
            self._admin: Any = AdminClient({"client.id": "headrace", **options, **ours})
        except (KafkaException, ValueError, TypeError) as error:
            raise options_refused(source, secrets.redact(words_of(error))) from None

    def ends(self, numbers: Iterable[int]) -> dict[int, int]:
        """Return the offset after the last message of each partition that is there.

        Raises:
            SourceUnreachable: if the broker does not answer in time, here and below.
        """
        places = {(place.topic, place.partition): number for number in numbers for place in [self._lanes.place(number)]}
        wanted = {self._lanes.place(number): _END for number in places.values()}
        if not wanted:
            return {}
        level = IsolationLevel.READ_COMMITTED
        told = self._answers(self._admin.list_offsets(wanted, isolation_level=level, request_timeout=self._seconds))
        return {places[place.topic, place.partition]: int(found.offset) for place, found in told.items()}

    def topic_ids(self) -> dict[str, str]:
        """Return the ids of the source's topics, which no topic has that is made later under the name; none where the broker has none."""
        asked = self._admin.describe_topics(TopicCollection(list(self._source.topics)), request_timeout=self._seconds)
        ids = {topic: str(found.topic_id) for topic, found in self._answers(asked).items()}
        return {topic: identifier for topic, identifier in ids.items() if identifier not in (_NO_ID, "None")}

    def others(self, group: str) -> int | None:
        """Return how many partitions the members of a group have; None while that is changing."""
        (found,) = self._answers(self._admin.describe_consumer_groups([group], request_timeout=self._seconds)).values()
        if found.state != ConsumerGroupState.STABLE:
            return None
        given = {(place.topic, place.partition) for member in found.members for place in member.assignment.topic_partitions}
        return sum(topic in self._source.topics for topic, _ in given)

    def partitions(self) -> int:
        """Return how many partitions the topics have."""
        asked = self._admin.describe_topics(TopicCollection(list(self._source.topics)), request_timeout=self._seconds)
        return sum(len(found.partitions) for found in self._answers(asked).values())

    def _answers(self, asked: Mapping[Any, Any]) -> dict[Any, Any]:
        answers = {}
        try:
            for what, answer in asked.items():
                with suppress(_NoTopic):
                    answers[what] = _answer(answer, self._seconds + 1)
        except (KafkaException, TimeoutError) as error:
            told = self._secrets.redact(words_of(error)).rstrip(".")
            remedy = "Check servers= and that it runs; behind TLS or a login it needs security.protocol in options=."
            raise SourceUnreachable(self._source.place, told or "no answer", remedy=remedy, location=self._source.location) from None
        return answers


class _NoTopic(Exception):
    """What was asked about is not there."""


def _answer(answer: Any, seconds: float) -> Any:
    try:
        return answer.result(seconds)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise _NoTopic from error
        raise


def others_have_all(source: Kafka, secrets: Secrets, group: str) -> bool:
    """Tell whether the members of a group, of which who asks has no partition, have all; not while that is changing or is not told."""
    asking = Asking(source, secrets, 1.0)
    try:
        return asking.others(secrets.fill(group)) == asking.partitions()
    except SourceUnreachable:
        return False
