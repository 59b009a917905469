"""Leaving a group of consumers, without waiting long for a broker that is away."""

from threading import Thread
from typing import Any

from confluent_kafka import KafkaException

from headrace.ingest.stream.kafka_log import LOG

_SECONDS = 2.0


def leave(consumer: Any) -> None:
    """Leave the group, and return when that is done or two seconds have passed.

    The library takes as long as what it sent before may take to be answered, `session.timeout.ms` for a position that was told to a broker
    which then went away, and has no limit for it. A thread goes on with it: the process may end meanwhile, and the group then notices the
    member's absence after its timeout, as it would have anyway. A static member does not tell the group that it leaves.
    """
    leaving = Thread(target=_close, args=[consumer], name="kafka-leaves", daemon=True)
    leaving.start()
    leaving.join(_SECONDS)


def _close(consumer: Any) -> None:
    try:
        consumer.close()
    except KafkaException as error:  # nobody waits for it any more
        LOG.info("the group was not left: %s", error.args[0].str())
