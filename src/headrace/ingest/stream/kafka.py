"""Kafka: topics followed as a member of a consumer group, from positions that somebody else keeps."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from headrace.ingest.stream.avro import open_avro
from headrace.ingest.stream.decoding import Decoder, Lane, Record
from headrace.ingest.stream.kafka_asking import others_have_all
from headrace.ingest.stream.kafka_faults import Faults, options_refused
from headrace.ingest.stream.kafka_leaving import leave
from headrace.ingest.stream.kafka_log import LOG, KafkaLog, words_of
from headrace.ingest.stream.kafka_topics import TopicIds
from headrace.ingest.stream.lanes import Lanes
from headrace.ingest.stream.messages import Listener, Messages, Position, Surroundings
from headrace.ingest.stream.origins import is_another, topic_of
from headrace.ingest.stream.values import ArrowReader, DebeziumReader, JsonReader, ValueReader
from headrace.spec.streams import Kafka
from headrace.spec.tables import Entity, Events

BATCH_MESSAGES = 10_000
_GATHER_SECONDS = 0.05
_ASK_SECONDS = 10.0
_ASK_AGAIN_SECONDS = 1.0


class KafkaFollower:
    """Satisfies `Follower` with the topics of a broker.

    A rebalance moves partitions one by one: the others go on. What had been fetched of a partition when it moved is dropped, and comes
    again from where the keeper of positions says. Transactions that are not committed are not seen.
    """

    def __init__(
        self,
        table: Events | Entity,
        listener: Listener,
        surroundings: Surroundings,
        group: str,
        batch_messages: int = BATCH_MESSAGES,
    ) -> None:
        assert isinstance(table.source, Kafka)
        self._source, self._listener, self._around = table.source, listener, surroundings
        self._group, self._batch_messages = group, batch_messages
        self._decoder = Decoder(table.source, _reader_of(table.source, surroundings))
        self._faults = Faults(table.source, surroundings.secrets, surroundings.clock)
        self._lanes = Lanes(table.source.topics)
        self._consumer: Any = None
        self._next: dict[int, int] = {}
        self._waiting: dict[int, Position | None] = {}  # assigned, and not begun: the broker has not said what it has of them
        self._ends: dict[int, int] = {}
        self._reached: dict[int, int] = {}
        self._moved: set[int] = set()
        self._new: set[int] = set()
        self._paused: set[int] = set()
        self._joined = self._closing = False
        self._is_left_out, self._asked_others = False, float("-inf")
        self._ids = TopicIds(table.source, surroundings.secrets)

    @property
    def trouble(self) -> str:
        return self._faults.trouble

    @property
    def ended(self) -> bool:
        return False

    @property
    def left_out(self) -> bool:
        if not self._joined or self._next or self._waiting:
            return False
        if time.monotonic() - self._asked_others >= _ASK_AGAIN_SECONDS:
            self._asked_others = time.monotonic()
            self._is_left_out = others_have_all(self._source, self._around.secrets, self._group)
        return self._is_left_out

    def poll(self, timeout_seconds: float) -> list[Messages]:
        consumer = self._connected()
        self._moved = set()
        # Whatever has come is worth a batch of its own, but not each message by itself.
        came = consumer.consume(1, timeout_seconds) if timeout_seconds > _GATHER_SECONDS else []
        came += consumer.consume(self._batch_messages - len(came), min(timeout_seconds, _GATHER_SECONDS))
        self._faults.raise_refusal()
        self._see_topics()
        records = self._sorted_out(came)
        if self._waiting:
            consumer.incremental_assign(self._begun(consumer))
        return [*self._just_begun(records), *(each for number, record in records.items() for each in self._decoded(number, record))]

    def seek(self, positions: Mapping[int, Position]) -> None:
        self._waiting |= {number: position for number, position in positions.items() if number in self._waiting}
        begun = positions.keys() & self._next.keys()
        self._next |= {number: positions[number].offset for number in begun}
        self._fetch_again(begun)

    def pause(self, partitions: Iterable[int]) -> None:
        numbers = set(partitions) & self._next.keys()
        self._paused |= numbers
        self._connected().pause(self._places(numbers))

    def resume(self, partitions: Iterable[int]) -> None:
        numbers = set(partitions) & self._next.keys()
        self._paused -= numbers
        self._connected().resume(self._places(numbers))

    def kept(self, positions: Mapping[int, Position]) -> None:
        places = [self._lanes.place(number, position.offset) for number, position in positions.items() if number in self._next]
        if places:
            try:
                self._connected().commit(offsets=places, asynchronous=True)
            except KafkaException as error:
                # Nothing is read by these positions: whoever watches them sees the next ones.
                LOG.info("%s", self._around.secrets.redact(str(error)))

    def lag(self) -> dict[int, int]:
        known = {number: self._behind(number, offset) for number, offset in self._next.items()}
        return {number: behind for number, behind in known.items() if behind is not None}

    def close(self) -> None:
        if self._consumer is not None:
            self._closing = True
            self._listener.revoked(sorted({*self._next, *self._waiting}))
            leave(self._consumer)
            self._consumer = None

    def _connected(self) -> Any:
        if self._consumer is None:
            consumer = self._made()
            try:
                self._check_topics(consumer)
                consumer.subscribe(list(self._source.topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)
            except BaseException:
                leave(consumer)
                raise
            self._consumer = consumer
        return self._consumer

    def _made(self) -> Any:
        secrets, source = self._around.secrets, self._source
        options = {name: secrets.fill(value) for name, value in source.options.items()}
        ours = {
            "bootstrap.servers": secrets.fill(source.servers),
            "group.id": secrets.fill(self._group),
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",  # a position that is gone is told, never passed over
            "partition.assignment.strategy": "cooperative-sticky",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,  # so that it is known when there is nothing left to read
            "error_cb": self._faults.heard,
            "logger": KafkaLog(secrets),
        }
        try:
            return Consumer({"client.id": "headrace", **options, **ours})
        except (KafkaException, ValueError, TypeError) as error:
            raise options_refused(source, secrets.redact(words_of(error))) from None

    def _check_topics(self, consumer: Any) -> None:
        found = self._topics_of(consumer)
        for topic in self._source.topics:
            if topic not in found:
                raise self._faults.no_topic(topic, found)
            self._lanes.check(self._source, topic, found[topic].partitions)

    def _topics_of(self, consumer: Any) -> Mapping[str, Any]:
        asked = 0.0
        while True:
            try:
                topics: Mapping[str, Any] = consumer.list_topics(timeout=_ASK_AGAIN_SECONDS).topics
            except KafkaException as error:
                consumer.poll(0)  # that is when it says why
                asked += _ASK_AGAIN_SECONDS
                if self._faults.is_clear or asked >= _ASK_SECONDS or self._around.stopping():
                    raise self._faults.of_first(error.args[0]) from None
            else:
                return topics

    def _assigned(self, consumer: Any, places: Collection[Any]) -> None:
        numbers = [self._lanes.number(each) for each in places]
        self._joined = True
        known = self._listener.assigned(numbers) if numbers else {}
        self._moved |= set(numbers)
        self._waiting |= {number: known.get(number) for number in numbers}
        consumer.incremental_assign(self._begun(consumer))

    def _revoked(self, consumer: Any, places: Collection[Any]) -> None:
        self._gone(consumer, places, self._listener.revoked)

    def _lost(self, consumer: Any, places: Collection[Any]) -> None:
        self._gone(consumer, places, self._listener.lost)

    def _gone(self, consumer: Any, places: Collection[Any], tell: Callable[[Collection[int]], None]) -> None:
        if self._closing:  # that was told before
            consumer.incremental_unassign(self._places([self._lanes.number(each) for each in places]))
            return
        numbers = [self._lanes.number(each) for each in places]
        if numbers:
            tell(numbers)
        self._moved |= set(numbers)
        begun = self._places(numbers)
        for number in numbers:
            for each in (self._next, self._waiting, self._ends, self._reached):
                each.pop(number, None)
        self._new -= set(numbers)
        self._paused -= set(numbers)
        consumer.incremental_unassign(begun)

    def _begun(self, consumer: Any) -> list[Any]:
        """Begin in partitions that wait for it, as far as the broker says what it has of them; return where."""
        begun = []
        if self._waiting and not self._faults.is_away:
            self._ids.look()
        for number, known in list(self._waiting.items()):
            ends = self._ask_ends(consumer, number)
            if ends is None:  # the broker is away: it is asked again with the next poll
                break
            self._ends[number] = ends[1]
            self._next[number] = self._begin(number, known, *ends)
            del self._waiting[number]
            begun.append(self._lanes.place(number, self._next[number]))
        return begun

    def _begin(self, number: int, known: Position | None, low: int, high: int) -> int:
        """Return where to begin in a partition, as a number even where nothing of it was read: it stays until the first commit."""
        if known is not None:
            self._check_origin(number, known)
            return self._there(number, known.offset, low, high)
        self._new.add(number)
        return low if self._source.start == "earliest" else high

    def _check_origin(self, number: int, known: Position) -> None:
        """Refuse to count messages of one topic by those of another: what lies before the position would never be read."""
        lane = self._lanes.lane(number)
        if known.origin and topic_of(known.origin) != lane.topic:
            raise self._faults.other_topic(lane, known)
        self._ids.remember(known.origin)
        if known.origin and is_another(known.origin, self._ids.origin(lane.topic)):
            raise self._faults.made_anew(lane, known.offset)

    def _see_topics(self) -> None:
        """See now and then that the topics are still those that are read."""
        if not self._next or not self._ids.is_due or self._faults.is_away:
            return
        before = {number: self._lane(number).origin for number in self._next}
        self._ids.look()
        for number, origin in before.items():
            if is_another(origin, self._lane(number).origin):
                raise self._faults.made_anew(self._lanes.lane(number), self._next[number])

    def _there(self, number: int, wanted: int, low: int, high: int) -> int:
        """Return the message that comes next if the broker has it still, or where those begin that it has."""
        if low <= wanted <= high:
            return wanted
        if self._source.expired == "refuse" or wanted > high:
            raise self._faults.expired(self._lanes.lane(number), wanted, low, high)
        self._faults.skipped(self._lanes.lane(number), low - wanted)
        self._new.add(number)
        return low

    def _ask_ends(self, consumer: Any, number: int) -> tuple[int, int] | None:
        try:
            low, high = consumer.get_watermark_offsets(self._lanes.place(number), timeout=_ASK_AGAIN_SECONDS)
        except KafkaException as error:
            self._faults.heard(error.args[0])
            return None
        return int(low), int(high)

    def _sorted_out(self, came: Iterable[Any]) -> dict[int, Record]:
        lanes: dict[tuple[str, int], list[Any]] = {}
        for message in came:
            error = message.error()
            if error is None:
                place = message.topic(), message.partition()
                if place in lanes:
                    lanes[place].append(message)
                else:
                    lanes[place] = [message]
            else:
                self._heed(message, error)
        found = {self._lanes.number_of(*place): messages for place, messages in lanes.items()}
        # What was fetched before a partition moved comes again, or is another's.
        here = {number: self._unread(number, each) for number, each in found.items() if number in self._next and number not in self._moved}
        self._fetch_again((found.keys() - here.keys()) & self._next.keys())
        if here:
            self._faults.over()
        return {number: Record.of(messages, self._source) for number, messages in here.items() if messages}

    def _unread(self, number: int, messages: list[Any]) -> list[Any]:
        wanted = self._next[number]
        return messages if messages[0].offset() >= wanted else [each for each in messages if each.offset() >= wanted]

    def _heed(self, message: Any, error: Any) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            self._faults.over()
            number = self._lanes.number_of(message.topic(), message.partition())
            if number in self._next and number not in self._moved:
                self._reached[number] = message.offset()
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._expired(self._lanes.number_of(message.topic(), message.partition()))
        else:
            self._faults.heard(error)
            self._faults.raise_refusal()

    def _expired(self, number: int) -> None:
        """Go on after the broker said that it has not the message which comes next."""
        if number in self._next and number not in self._moved:
            self._connected().incremental_unassign(self._places([number]))
            self._waiting[number] = Position(self._next.pop(number))

    def _fetch_again(self, numbers: Collection[int]) -> None:
        if numbers:
            self._connected().incremental_unassign(self._places(numbers))
            self._connected().incremental_assign([self._lanes.place(number, self._next[number]) for number in numbers])
            self._connected().pause(self._places(self._paused & set(numbers)))

    def _just_begun(self, records: Mapping[int, Record]) -> list[Messages]:
        """Return of partitions that begin here where that is, so that it is kept even if nothing comes."""
        begun = [number for number in self._new if number in self._next and number not in records]
        self._new.clear()
        return [
            each for number in begun for each in self._decoder.decode(self._lane(number), Record.of((), self._source), self._next[number])
        ]

    def _decoded(self, number: int, record: Record) -> list[Messages]:
        self._next[number] = record.offsets[-1] + 1
        return list(self._decoder.decode(self._lane(number), record, self._next[number]))

    def _behind(self, number: int, offset: int) -> int | None:
        try:
            # What is paused is not fetched, so that nothing is heard of its end.
            asks = number in self._paused and not self._faults.is_away
            told = {"timeout": _ASK_AGAIN_SECONDS} if asks else {"cached": True}
            _, high = self._connected().get_watermark_offsets(self._lanes.place(number), **told)
        except KafkaException as error:
            self._faults.heard(error.args[0])
            return None
        # Before anything was fetched no end is cached. Marks of transactions have offsets too: where the end was reached, nothing is left.
        return max(0, max(int(high), self._ends.get(number, 0)) - max(offset, self._reached.get(number, 0)))

    def _lane(self, number: int) -> Lane:
        lane = self._lanes.lane(number)
        return lane._replace(origin=self._ids.origin(lane.topic))

    def _places(self, numbers: Iterable[int]) -> list[Any]:
        return [self._lanes.place(number) for number in numbers if number in self._next]


def _reader_of(source: Kafka, surroundings: Surroundings) -> ValueReader:
    if source.format == "avro":
        return open_avro(source, surroundings.root)
    readers: dict[str, ValueReader] = {"json": JsonReader(), "arrow": ArrowReader(), "debezium": DebeziumReader()}
    return readers[source.format]
