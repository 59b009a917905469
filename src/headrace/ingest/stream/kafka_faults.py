"""What the library for Kafka says, as errors that name the remedy, and as trouble that passes."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from confluent_kafka import KafkaError

from headrace.core.clock import Clock
from headrace.core.errors import HeadraceError, suggest
from headrace.core.secrets import Secrets
from headrace.core.units import counted
from headrace.ingest.errors import SourceChanged, SourceRefused, SourceUnreachable
from headrace.ingest.stream.decoding import Lane
from headrace.ingest.stream.messages import Position
from headrace.ingest.stream.origins import topic_of
from headrace.spec.errors import SpecError
from headrace.spec.scoring import ToKafka
from headrace.spec.streams import Kafka

_FRESH = timedelta(seconds=15)
"""The library tries to connect every ten seconds at least, and says each time that it could not."""
_REFUSALS = {
    KafkaError._AUTHENTICATION: "Check sasl.mechanism, sasl.username and the secret of sasl.password in options=.",
    KafkaError.SASL_AUTHENTICATION_FAILED: "Check sasl.mechanism, sasl.username and the secret of sasl.password in options=.",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "Set sasl.mechanism in options= to one that the broker offers.",
    KafkaError._SSL: "Check security.protocol, ssl.ca.location and the client's certificate in options=.",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "Ask whoever runs the broker for the right to read the topic.",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "Ask for the right to use the group, or name another with group=.",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "Ask whoever runs the broker for the right to use it.",
    KafkaError.FENCED_INSTANCE_ID: "Another member of the group has this group.instance.id: give each its own, such as '${HOSTNAME}'.",
    KafkaError._FATAL: "Check options=, then start again.",
}
_SAYS_LITTLE = {KafkaError._ALL_BROKERS_DOWN: 0, KafkaError._TRANSPORT: 1, KafkaError._TIMED_OUT: 1}
"""What follows upon a fault that says why, and how much it says: 2 for all others."""

_ANOTHER_NAME = "give the table another name and begin again: positions and state are kept by it"


def options_refused(source: Kafka | ToKafka, reason: str) -> SpecError:
    """Return the error for options that the library does not take."""
    remedy = "They are those of librdkafka: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md"
    return SpecError(f"the options of {source.place} are not taken: {reason.rstrip('.')}.", remedy=remedy, location=source.location)


class Faults:
    """Keeps what was heard of one source; nothing in it is a secret."""

    def __init__(self, source: Kafka, secrets: Secrets, clock: Clock) -> None:
        self._source, self._secrets, self._clock = source, secrets, clock
        self._refusal: SourceRefused | None = None
        self._trouble, self._since = "", datetime.min.replace(tzinfo=clock.now().tzinfo)
        self._skipped = ""
        self._down = False
        self._says = 0

    @property
    def trouble(self) -> str:
        """What keeps messages from coming; empty if nothing has been heard of it for a while."""
        fresh = self._trouble if self._is_fresh() else ""
        return "; ".join(filter(None, (fresh, self._skipped)))

    @property
    def is_away(self) -> bool:
        """Whether the broker did not answer a moment ago."""
        return bool(self._trouble) and self._is_fresh()

    @property
    def is_clear(self) -> bool:
        """Whether asking again does not help: it refuses, or no broker can be reached."""
        return self._refusal is not None or self._down

    def heard(self, error: Any) -> None:
        """Take note of an error that the library tells of."""
        told = self._secrets.redact(error.str())
        if error.code() in _REFUSALS:
            self._refusal = SourceRefused(self._source.place, told.rstrip("."), _REFUSALS[error.code()], self._source.location)
            return
        self._down = self._down or error.code() == KafkaError._ALL_BROKERS_DOWN
        says = _SAYS_LITTLE.get(error.code(), 2)
        if says >= self._says or not self._is_fresh():
            self._trouble, self._says = told.rstrip("."), says
        self._since = self._clock.now()

    def _is_fresh(self) -> bool:
        return self._clock.now() - self._since <= _FRESH

    def over(self) -> None:
        """Take note that messages come."""
        self._trouble, self._says, self._down = "", 0, False

    def raise_refusal(self) -> None:
        """Raise what trying again does not help.

        Raises:
            SourceRefused: if there was such an error.
        """
        if self._refusal is not None:
            refusal, self._refusal = self._refusal, None
            raise refusal

    def of_first(self, error: Any) -> HeadraceError:
        """Return the error for a broker that does not answer when it is first asked."""
        if error.code() in _REFUSALS or not self._trouble:
            self.heard(error)
        if self._refusal is not None:
            return self._refusal
        remedy = "Check servers= and that it runs; behind TLS or a login it needs security.protocol in options=."
        return SourceUnreachable(self._source.place, self._trouble, remedy=remedy, location=self._source.location)

    def no_topic(self, topic: str, there: Iterable[str]) -> SourceRefused:
        """Return the error for a topic that is not there."""
        shown = [each for each in there if not each.startswith("__")]
        return SourceRefused(self._source.place, f"it has no topic {topic!r}", suggest(topic, shown), self._source.location)

    def expired(self, lane: Lane, wanted: int, low: int, high: int) -> SourceChanged:
        """Return the error for messages that come next and are not there."""
        have = f"it has those from {low:,} to {high - 1:,}" if high > low else "it has none"
        where = f"partition {lane.partition} of topic {lane.topic!r}"
        problem = f"message {wanted:,} of {where} was the next, and {have}"
        if wanted > high:
            remedy = f"The topic was made anew: {_ANOTHER_NAME}."
        else:
            remedy = (
                f"The broker has removed {counted(low - wanted, 'message')} before they were read. expired='skip' goes on without them."
            )
        return SourceChanged(self._source.place, problem, remedy, self._source.location)

    def other_topic(self, lane: Lane, known: Position) -> SourceChanged:
        """Return the error for a position in a topic whose place another one has taken."""
        problem = f"partition {lane.partition} was read from topic {topic_of(known.origin)!r} until now, up to message {known.offset:,}"
        remedy = f"Keep topics in their places and put new ones at the end of the list, or {_ANOTHER_NAME}."
        return SourceChanged(self._source.place, problem, remedy, self._source.location)

    def made_anew(self, lane: Lane, offset: int) -> SourceChanged:
        """Return the error for a position in a topic of which only the name is left."""
        problem = f"topic {lane.topic!r} was deleted and made anew since message {offset:,} of its partition {lane.partition} was the next"
        remedy = f"Its offsets count other messages now: {_ANOTHER_NAME}."
        return SourceChanged(self._source.place, problem, remedy, self._source.location)

    def skipped(self, lane: Lane, count: int) -> None:
        """Take note that messages are gone for good."""
        self._skipped = f"{counted(count, 'message')} of topic {lane.topic!r} were gone before they were read, and are passed over"
