"""Which follower follows which source, and who is asked where one ends."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from headrace.core.errors import SystemFault
from headrace.core.secrets import Secrets
from headrace.ingest.errors import FormatNeedsExtra
from headrace.ingest.stream.messages import Follower, Listener, Surroundings
from headrace.ingest.stream.replay import ReplayFollower
from headrace.spec.streams import Kafka, Replay
from headrace.spec.tables import Entity, Events

if TYPE_CHECKING:
    from headrace.ingest.stream.kafka_asking import Asking


def follower_of(table: Events | Entity, listener: Listener, surroundings: Surroundings, project: str) -> Follower:
    """Return the follower of a table's source. Nothing is connected to before it is polled.

    `project` is its name, of which the name of the consumer group is made where none is declared.

    Raises:
        FormatNeedsExtra: if a library is not installed.
        SourceUnreadable, UnsupportedColumn: if a schema is none that rows can be made of.
        ColumnProblem: if a column that is filled from beside the values has a name that Headrace keeps for itself.
        SystemFault: if the source is none that is followed.
    """
    source = table.source
    if isinstance(source, Replay):
        return ReplayFollower(table, listener, surroundings)
    if isinstance(source, Kafka):
        try:
            from headrace.ingest.stream.kafka import KafkaFollower  # its library is an extra
        except ModuleNotFoundError as error:
            raise FormatNeedsExtra(source.place, "kafka", source.location) from error
        return KafkaFollower(table, listener, surroundings, source.group or f"{project}-{table.name}")
    raise SystemFault(f"{type(source).__name__} is not followed.", remedy="Use hr.Kafka or hr.Replay.", location=source.location)


def ends_of(source: Kafka, partitions: Iterable[int], secrets: Secrets, seconds: float) -> dict[int, int]:
    """Return the offset after the last message of each partition that the broker has, asked for about so many seconds at most.

    Raises:
        FormatNeedsExtra, SpecError, SecretMissing: if it cannot be asked as it is declared.
        SourceUnreachable: if it does not answer.
    """
    return _asking(source, secrets, seconds).ends(partitions)


def topic_ids_of(source: Kafka, secrets: Secrets, seconds: float) -> dict[str, str]:
    """Return the ids of a source's topics, as far as the broker has any.

    Raises:
        What `ends_of` raises.
    """
    return _asking(source, secrets, seconds).topic_ids()


def _asking(source: Kafka, secrets: Secrets, seconds: float) -> "Asking":
    try:
        from headrace.ingest.stream.kafka_asking import Asking  # as above
    except ModuleNotFoundError as error:
        raise FormatNeedsExtra(source.place, "kafka", source.location) from error
    return Asking(source, secrets, seconds)
