"""Sources whose rows come one after the other, for ever."""

from collections.abc import Mapping
from datetime import timedelta
from math import isfinite
from types import MappingProxyType

from headrace.core.errors import UserError
from headrace.core.units import parse_duration
from headrace.spec.declaration import as_mapping, as_names
from headrace.spec.errors import InvalidOption
from headrace.spec.kafka_options import check_options, check_servers
from headrace.spec.sources import Source

VALUE_FORMATS = ("json", "avro", "arrow", "debezium")
STARTS = ("earliest", "latest")
EXPIRED = ("refuse", "skip")
_NOTHING: Mapping[str, str] = MappingProxyType({})
_MOST_TOPICS = 16


class Streamed(Source, frozen=True, kw_only=True):
    """A source that is followed by `headrace stream`, which also puts its rows into the table.

    A row belongs to the moment at which the first of its values became known. A partition's watermark is the newest such moment that it
    has brought, less `lateness`; the table's is that of the partition which is furthest behind.

    Attributes:
        lateness: how far rows may come out of order; one that belongs before its partition's watermark is late, and goes to the late table.
        remember: how long before the watermark ids are remembered, so that a row which comes again is dropped.
        history: how long before the watermark questions can still be answered from the state.
        idle: after how long without a row a partition no longer holds the watermark back; None: never.
    """

    lateness: str | timedelta = "1m"
    remember: str | timedelta = "1d"
    history: str | timedelta = "1h"
    idle: str | timedelta | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("lateness", "remember", "history"):
            self._set(name, self._duration(name, zero=True))
        if self.idle is not None:
            self._set("idle", self._duration("idle", zero=False))

    @property
    def place(self) -> str:
        """What to call it before people; without secrets."""
        raise NotImplementedError  # each kind of source does

    def _duration(self, name: str, *, zero: bool) -> timedelta:
        value = getattr(self, name)
        try:
            return parse_duration(value, zero=zero)
        except (UserError, TypeError) as error:
            expected = "a duration such as '1m', '3h' or '1d'" + (", or '0s'" if zero else ", or None")
            raise InvalidOption(f"the {name} of {self._title()}", value, expected, location=self.location) from error


class _Topics(Streamed, frozen=True):
    topics: tuple[str, ...]


class Kafka(_Topics, frozen=True, kw_only=True):
    """Rows from topics of a broker that speaks Kafka's protocol.

    Attributes:
        topics: one or several; new ones are added at the end, since a row's place among the others depends on the order.
        servers: the brokers to ask first, as `host:port`, separated by commas.
        group: the consumer group; default: the project's and the table's name.
        format: how values are written: `json` (an object a message), `avro` (with `schema`), `arrow` (an IPC stream of rows) or `debezium`
            (changes as Debezium writes them, in JSON).
        schema: for Avro, the schema as JSON text or the path of a file with it.
        key: the column that takes the message's key as text; None: the key is left.
        headers: columns that take a header's text, by the header's name.
        timestamp: the column that takes the time which the broker has for the message; None: it is left.
        tombstone: the column that says whether a message came without a value; None: such a message is set aside.
        start: where to begin where nothing was read yet: `earliest` or `latest`.
        expired: what happens where the broker no longer has the messages that come next: `refuse` stops, `skip` goes on with the oldest
            there is and tells how many are gone.
        options: librdkafka's own settings, such as `security.protocol`, `sasl.username` or `ssl.ca.location`. Secrets as `${NAME}`.

    >>> Kafka("flights", servers="localhost:9092").place
    'localhost:9092, topic flights'
    """

    servers: str
    group: str | None = None
    format: str = "json"
    schema: str | None = None
    key: str | None = None
    headers: Mapping[str, str] = _NOTHING
    timestamp: str | None = None
    tombstone: str | None = None
    start: str = "earliest"
    expired: str = "refuse"
    options: Mapping[str, str] = _NOTHING

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("topics", as_names(self.topics))
        self._set("headers", as_mapping(self.headers))
        self._set("options", as_mapping(self.options))
        self._check_one_of("format", self.format, VALUE_FORMATS)
        self._check_one_of("start", self.start, STARTS)
        self._check_one_of("expired", self.expired, EXPIRED)
        self._check_topics()
        check_servers("Kafka", self.servers, self.location)
        self._check_columns()
        if (self.schema is not None) != (self.format == "avro"):
            expected = "the Avro schema, since format='avro'" if self.format == "avro" else f"none, since format={self.format!r}"
            raise InvalidOption("the schema of Kafka", self.schema, expected, location=self.location)
        check_options(self.options, self.location)

    @property
    def place(self) -> str:
        return f"{self.servers}, topic{'s' * (len(self.topics) > 1)} {', '.join(self.topics)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are filled from beside the values."""
        return tuple(name for name in (self.key, *self.headers.values(), self.timestamp, self.tombstone) if name is not None)

    def _check_topics(self) -> None:
        if not self.topics or not all(self.topics):
            raise InvalidOption("the topics of Kafka", self.topics, "at least one", location=self.location)
        if len(set(self.topics)) < len(self.topics) or len(self.topics) > _MOST_TOPICS:
            raise InvalidOption("the topics of Kafka", self.topics, f"at most {_MOST_TOPICS}, each once", location=self.location)

    def _check_columns(self) -> None:
        for name in self.columns:
            if self.columns.count(name) > 1 or not name.strip():
                expected = "a name, another one for each of key, headers, timestamp and tombstone"
                raise InvalidOption("a column of Kafka", name, expected, location=self.location)


class _Played(Streamed, frozen=True):
    source: Source


class Replay(_Played, frozen=True, kw_only=True):
    """Any other source played as a stream, in the order in which its rows became known: production rehearsed without a broker.

    Attributes:
        source: what is played, such as `hr.File("flights.csv")`.
        speed: how many seconds of its time pass in one second; None: as fast as it can.

    >>> from headrace.spec.sources import File
    >>> Replay(File("flights.csv"), speed=3600).place
    'the replay of flights.csv'
    """

    speed: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.source, Streamed) or not isinstance(self.source, Source):
            expected = "a source that ends, such as hr.File('flights.csv')"
            raise InvalidOption("the source of Replay", type(self.source).__name__, expected, location=self.location)
        if self.speed is not None and not _is_speed(self.speed):
            raise InvalidOption("the speed of Replay", self.speed, "a number above zero, or None", location=self.location)

    @property
    def place(self) -> str:
        return f"the replay of {getattr(self.source, 'place', None) or getattr(self.source, 'path', type(self.source).__name__)}"


def _is_speed(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0
