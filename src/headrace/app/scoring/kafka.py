"""Predictions into a topic of Kafka. Imported where one is declared: the library is an extra."""

from collections.abc import Iterator
from typing import Any

import polars as pl
from confluent_kafka import KafkaException, Producer

from headrace.app.prediction_frames import frame_json
from headrace.app.scoring.errors import NotTaken
from headrace.core.secrets import Secrets
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.kafka_faults import options_refused
from headrace.ingest.stream.kafka_log import KafkaLog, words_of
from headrace.spec.scoring import ToKafka

_SECONDS = 10.0


class KafkaCourier:
    """Satisfies `Courier`. One thread at a time."""

    def __init__(self, target: ToKafka, secrets: Secrets) -> None:
        """Connect to nothing yet.

        Raises:
            SecretMissing: if a secret of the options is not there.
            SpecError: if the library does not take the options.
        """
        self._target, self._secrets = target, secrets
        ours = {
            "bootstrap.servers": secrets.fill(target.servers),
            "enable.idempotence": True,  # neither doubled nor out of order while this producer lives
            "message.timeout.ms": int(_SECONDS * 1000),
            "logger": KafkaLog(secrets),
        }
        options = {name: secrets.fill(value) for name, value in target.options.items()}
        try:
            self._producer: Any = Producer({"client.id": "headrace", **options, **ours})
        except (KafkaException, ValueError, TypeError) as error:
            raise options_refused(target, secrets.redact(words_of(error))) from None
        self._partitions = 0

    def send(self, partition: int, rows: pl.DataFrame, /) -> Iterator[int]:
        """Send rows; give their number once the broker has all of them.

        Raises:
            NotTaken: if it has not.
        """
        failures: list[str] = []

        def delivered(error: Any, _: object) -> None:
            if error is not None:
                failures.append(error.str())

        number = partition % self._known_partitions()
        for identifier, value in zip(rows["prediction_id"].to_list(), frame_json(rows.drop(ARRIVAL)).to_list(), strict=True):
            self._produce(value, identifier, number, delivered)
        left = self._producer.flush(2 * _SECONDS)
        if left or failures:
            self._partitions = 0  # they may be others when it is back
            raise self._not_taken(failures[0] if failures else "it does not answer")
        yield rows.height

    def close(self) -> None:
        """Drop what is under way: it is sent again."""
        self._producer.purge()
        self._producer.flush(1)

    def _produce(self, value: str, identifier: str, number: int, delivered: Any) -> None:
        while True:
            try:
                self._producer.produce(self._target.topic, value, identifier, partition=number, on_delivery=delivered)
            except BufferError:  # its queue is full
                self._producer.poll(0.1)
            except KafkaException as error:  # it is too large, or the topic has fewer partitions by now
                self._partitions = 0
                raise self._not_taken(words_of(error)) from error
            else:
                self._producer.poll(0)
                return

    def _known_partitions(self) -> int:
        """How many partitions the topic has."""
        if not self._partitions:
            try:
                topics = self._producer.list_topics(self._target.topic, _SECONDS).topics
            except KafkaException as error:
                raise self._not_taken(words_of(error)) from error
            found = topics[self._target.topic]
            if found.error is not None or not found.partitions:
                raise self._not_taken(found.error.str() if found.error else "there is no such topic")
            self._partitions = len(found.partitions)
        return self._partitions

    def _not_taken(self, reason: str) -> NotTaken:
        return NotTaken(self._target.place, self._secrets.redact(reason))
