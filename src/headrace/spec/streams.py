"""Sources whose rows come one after the other, for ever."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from headrace.core.units import parse_duration
from headrace.spec.declaration import as_mapping, as_names
from headrace.spec.errors import InvalidOption
from headrace.spec.sources import Source

VALUE_FORMATS = ("json", "avro", "arrow")
STARTS = ("earliest", "latest")
_NOTHING: Mapping[str, str] = MappingProxyType({})


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
            self._set(name, parse_duration(getattr(self, name)))
        if self.idle is not None:
            self._set("idle", parse_duration(self.idle))


class _Topics(Streamed, frozen=True):
    topics: tuple[str, ...]


class Kafka(_Topics, frozen=True, kw_only=True):
    """Rows from topics of a broker that speaks Kafka's protocol.

    Attributes:
        topics: one or several.
        servers: the brokers to ask first, as `host:port`, separated by commas.
        group: the consumer group; default: the project's and the table's name.
        format: how values are written: `json` (an object a message), `avro` (with `schema`) or `arrow` (an IPC stream of rows).
        schema: for Avro, the schema as JSON text or the path of a file with it.
        key: the column that takes the message's key as text; None: the key is left.
        headers: columns that take a header's text, by the header's name.
        start: where to begin where nothing was read yet: `earliest` or `latest`.
        options: librdkafka's own settings, such as `security.protocol`, `sasl.username` or `ssl.ca.location`. Secrets as `${NAME}`.
    """

    servers: str
    group: str | None = None
    format: str = "json"
    schema: str | None = None
    key: str | None = None
    headers: Mapping[str, str] = _NOTHING
    start: str = "earliest"
    options: Mapping[str, str] = _NOTHING

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("topics", as_names(self.topics))
        self._set("headers", as_mapping(self.headers))
        self._set("options", as_mapping(self.options))
        self._check_one_of("format", self.format, VALUE_FORMATS)
        self._check_one_of("start", self.start, STARTS)
        if not self.topics:
            raise InvalidOption("the topics of Kafka", self.topics, "at least one", location=self.location)
        if (self.schema is not None) != (self.format == "avro"):
            expected = "the Avro schema, since format='avro'" if self.format == "avro" else f"none, since format={self.format!r}"
            raise InvalidOption("the schema of Kafka", self.schema, expected, location=self.location)


class _Played(Streamed, frozen=True):
    source: Source


class Replay(_Played, frozen=True, kw_only=True):
    """Any other source played as a stream, in the order in which its rows became known: production rehearsed without a broker.

    Attributes:
        source: what is played, such as `hr.File("flights.csv")`.
        speed: how many seconds of its time pass in one second; None: as fast as it can.
    """

    speed: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.source, Streamed):
            raise InvalidOption("the source of Replay", type(self.source).__name__, "a source that ends", location=self.location)
        if self.speed is not None and not self.speed > 0:
            raise InvalidOption("the speed of Replay", self.speed, "a number above zero, or None", location=self.location)
