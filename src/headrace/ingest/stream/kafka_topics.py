"""Which topic it is: one that was deleted and made anew under its name has other messages under the same offsets, and another id."""

import time
from contextlib import suppress

from headrace.core.secrets import Secrets
from headrace.ingest.errors import SourceUnreachable
from headrace.ingest.stream.kafka_asking import Asking
from headrace.ingest.stream.origins import id_of, origin_of, topic_of
from headrace.spec.streams import Kafka

_ASK_SECONDS = 1.0
_LOOK_SECONDS = 60.0


class TopicIds:
    """Knows the ids of a source's topics, as far as the broker has any: Kafka has since 2.8, others may have none."""

    def __init__(self, source: Kafka, secrets: Secrets) -> None:
        self._source, self._secrets = source, secrets
        self._ids: dict[str, str] = {}
        self._looked = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() - self._looked >= _LOOK_SECONDS

    def look(self) -> None:
        """Ask the broker. What it does not say stays as it was known."""
        self._looked = time.monotonic()
        with suppress(SourceUnreachable):  # it is asked again; whoever reads tells that it is away
            self._ids |= Asking(self._source, self._secrets, _ASK_SECONDS).topic_ids()

    def origin(self, topic: str) -> str:
        """Return what offsets of a topic count: its name, and its id if it has one."""
        return origin_of(topic, self._ids.get(topic))

    def remember(self, origin: str) -> None:
        """Take the id of a position for its topic's, where the broker says none."""
        if (identifier := id_of(origin)) is not None:
            self._ids.setdefault(topic_of(origin), identifier)
