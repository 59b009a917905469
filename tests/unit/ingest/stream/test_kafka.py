"""Topics of a real broker, followed in real consumer groups."""

import json
import logging
import sys
import time
from datetime import UTC, datetime, timedelta
from io import BytesIO

import fastavro
import polars as pl
import pytest
from services.process import free_ports
from tests.unit.ingest.stream.conftest import Listening

from headrace.core.clock import SystemClock
from headrace.core.secrets import Secrets
from headrace.ingest.errors import FormatNeedsExtra, SourceChanged, SourceRefused, SourceUnreachable
from headrace.ingest.stream.kafka import KafkaFollower
from headrace.ingest.stream.messages import Position, Surroundings, arrival_of
from headrace.ingest.stream.opening import ends_of, follower_of, topic_ids_of
from headrace.spec.errors import SpecError
from headrace.spec.streams import Kafka
from headrace.spec.tables import Events

PATIENCE_SECONDS = 20
_FLUSH_SECONDS = 0.2
QUICK = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "300", "reconnect.backoff.max.ms": "200"}
SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "id", "type": "long"}, {"name": "at", "type": ["null", "string"]}]}'


class Keeping(Listening):
    """Keeps the positions of several followers, and the rows they brought."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def keep(self, messages):
        for each in messages:
            assert self.positions.get(each.partition, each.first) <= each.first, "a message was passed over or came twice"
            self.positions[each.partition] = each.next
            self.rows += each.frame.rows()

    def revoked(self, partitions):
        """Take a while, as a worker does who brings what waits into the lake.

        Who lets go of partitions joins his group again at once. Where that was before the broker had answered the one who waited to join,
        it did so never, and both waited for ever: at load 15 in two groups of ten.
        """
        super().revoked(partitions)
        time.sleep(_FLUSH_SECONDS)


@pytest.fixture
def follow(kafka, tmp_path):
    """Follow topics of the broker; whoever follows leaves when the test ends."""
    started = []

    def start(topics, listener=None, *, group="g", secrets=None, batch_messages=10_000, servers=None, options=None, **declared):
        source = Kafka(topics, servers=servers or kafka.servers, options=QUICK | (options or {}), **declared)
        around = Surroundings(tmp_path, Secrets(secrets or {}), SystemClock())
        name = f"{group}-{topics if isinstance(topics, str) else topics[0]}"
        started.append(KafkaFollower(Events("orders", source=source), listener or Listening(), around, name, batch_messages))
        return started[-1]

    yield start
    for each in started:
        each.close()


def until(true, *followers, keeping=None):
    """Poll followers in turn until something is true; return what came of each."""
    came = [[] for _ in followers]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true(*came):
        assert time.monotonic() < deadline, came
        for follower, found in zip(followers, came, strict=True):
            messages = follower.poll(0.05)
            found += messages
            if keeping is not None:
                keeping.keep(messages)
    return came


def rows_of(messages):
    return [row for each in messages for row in each.frame.rows()]


def rows(number):
    return lambda *came: sum(each.frame.height for messages in came for each in messages) >= number


def numbered(begin, end):
    return [b'{"n":%d}' % number for number in range(begin, end)]


def test_objects_become_rows_with_what_stands_beside_them_and_bad_messages_are_told(kafka, follow):
    topic = kafka.topic()
    before = datetime.now(UTC) - timedelta(seconds=1)
    kafka.send(topic, [b'{"n": 1}', b"{", b"[]", b'{"m": "x"}', None], key=b"k", headers={"who": b"ana"})
    kafka.send(topic, [b'{"n": 2, "key": 3}', b'{"n": 4}'], key=b"\xff")
    follower = follow(topic, key="key", headers={"who": "user"}, timestamp="sent", tombstone="gone")
    (came,) = until(lambda found: sum(each.next.offset - each.first.offset for each in found) == 7, follower)
    frame = pl.concat([each.frame for each in came])
    assert frame.drop("sent").rows() == [(1, None, "k", "ana", False), (None, "x", "k", "ana", False), (None, None, "k", "ana", True)]
    assert frame.columns == ["n", "m", "key", "user", "sent", "gone"]
    assert frame["sent"].is_between(before, datetime.now(UTC) + timedelta(seconds=1)).all()
    assert pl.concat([each.arrivals for each in came]).to_list() == [arrival_of(0, offset) for offset in (0, 3, 4)]
    assert pl.concat([each.failures for each in came]).rows() == [
        (arrival_of(0, 1), "it is no JSON (input data was truncated)", "{"),
        (arrival_of(0, 2), "it is JSON, but no object", "[]"),
        (arrival_of(0, 5), "its key is no text", '{"n": 2, "key": 3}'),
        (arrival_of(0, 6), "its key is no text", '{"n": 4}'),
    ]


def test_messages_without_a_value_are_set_aside_unless_a_column_says_so(kafka, follow):
    topic = kafka.topic()
    kafka.send(topic, [None, b'{"n": 1}'])
    (came,) = until(rows(1), follow(topic))
    (failure,) = pl.concat([each.failures for each in came]).rows()
    assert failure[1].startswith("it has no value (it is a tombstone)")


def test_positions_are_anothers_affair(kafka, follow):
    topic = kafka.topic(2)
    for partition in range(2):
        kafka.send(topic, numbered(0, 9), partition)
    listener = Listening(p0=Position(7), p1=Position(9))
    follower = follow(topic, listener, batch_messages=1)
    (came,) = until(lambda found: len(found) == 2, follower)
    assert [(each.topic, each.partition, each.first, each.next) for each in came] == [
        (topic, 0, Position(7, topic), Position(8, topic)),
        (topic, 0, Position(8, topic), Position(9, topic)),
    ]
    follower.seek({1: Position(6)})
    (came,) = until(rows(3), follower)
    assert rows_of(came) == [(6,), (7,), (8,)]
    assert listener.told == [("assigned", [0, 1])]
    follower.close()
    assert listener.told == [("assigned", [0, 1]), ("revoked", [0, 1])]


def test_a_beginning_at_the_end_is_told_before_anything_comes(kafka, follow):
    topic = kafka.topic()
    kafka.send(topic, numbered(0, 5))
    follower = follow(topic, start="latest")
    (came,) = until(lambda found: found, follower)
    assert [(each.first, each.next, each.frame.height) for each in came] == [(Position(5, topic), Position(5, topic), 0)]
    kafka.send(topic, numbered(5, 7))
    (came,) = until(rows(2), follower)
    assert rows_of(came) == [(5,), (6,)]


def test_paused_partitions_bring_nothing_and_lag_is_known(kafka, follow):
    topic = kafka.topic(2)
    follower = follow(topic)
    until(lambda found: {each.partition for each in found} == {0, 1}, follower)
    assert follower.lag() == {0: 0, 1: 0}
    follower.pause([0])
    for partition in range(2):
        kafka.send(topic, numbered(0, 5), partition)
    (came,) = until(rows(5), follower)
    assert {each.partition for each in came if each.frame.height} == {1}
    until(lambda _: follower.lag()[0] == 5, follower)
    follower.resume([0])
    until(rows(5), follower)
    assert follower.lag() == {0: 0, 1: 0}
    follower.kept({0: Position(3), 1: Position(5)})
    until(lambda _: _group_has(follower, {0: 3, 1: 5}), follower)


def _group_has(follower, offsets):
    places = follower._consumer.committed(follower._places(offsets), timeout=10)
    return {each.partition: each.offset for each in places} == offsets


def test_two_followers_share_the_partitions_and_every_message_comes_once(kafka, follow):
    topic = kafka.topic(4)
    keeping = Keeping()
    for partition in range(4):
        kafka.send(topic, numbered(100 * partition, 100 * partition + 50), partition)
    one = follow(topic, keeping, batch_messages=7)
    until(rows(20), one, keeping=keeping)
    other = follow(topic, keeping, batch_messages=7)
    until(lambda *_: len(one.lag()) == len(other.lag()) == 2, one, other, keeping=keeping)
    for partition in range(4):
        kafka.send(topic, numbered(100 * partition + 50, 100 * partition + 100), partition)
    until(lambda *_: len(keeping.rows) >= 380, one, other, keeping=keeping)
    one.close()
    until(lambda _: len(other.lag()) == 4 and len(keeping.rows) == 400, other, keeping=keeping)
    assert sorted(keeping.rows) == [(number,) for number in range(400)]


def test_a_broker_that_goes_away_is_told_of_and_waited_for(kafka, follow):
    topic = kafka.topic(2)
    keeping = Keeping()
    kafka.send(topic, numbered(0, 10))
    follower = follow(topic, keeping)
    until(rows(10), follower, keeping=keeping)
    assert follower.trouble == ""
    kafka.stop()
    try:
        until(lambda _: kafka.servers in follower.trouble, follower, keeping=keeping)
    finally:
        kafka.start()
    kafka.send(topic, numbered(10, 20))
    until(lambda _: len(keeping.rows) >= 20, follower, keeping=keeping)
    assert keeping.rows == [(number,) for number in range(20)]
    assert follower.trouble == ""


def test_what_a_transaction_took_back_is_not_seen(kafka, follow):
    topic = kafka.topic()
    producer = kafka.producer(transactional_id="t")
    producer.init_transactions(20)
    for value, kept in ((b'{"n":1}', True), (b'{"n":2}', False), (b'{"n":3}', True)):
        producer.begin_transaction()
        producer.produce(topic, value, partition=0)
        producer.flush(20)
        (producer.commit_transaction if kept else producer.abort_transaction)(20)
    follower = follow(topic)
    (came,) = until(rows(2), follower)
    assert rows_of(came) == [(1,), (3,)]
    until(lambda _: follower.lag() == {0: 0}, follower)  # though a mark of the transaction is behind the last message


def test_several_topics_are_one_table(kafka, follow):
    topics = [kafka.topic(2), kafka.topic(2)]
    for topic in topics:
        kafka.send(topic, [b'{"t":"%s"}' % topic.encode()], 1)
    (came,) = until(rows(2), follow(topics))
    found = {(each.topic, each.partition, each.frame["t"][0]) for each in came if each.frame.height}
    assert found == {(topics[0], 1, topics[0]), (topics[1], 65, topics[1])}


def test_arrow_tables_bring_many_rows_a_message(kafka, follow):
    def stream(frame):
        sink = BytesIO()
        frame.write_ipc_stream(sink)
        return sink.getvalue()

    tables = [pl.DataFrame({"n": [1, 2]}, schema={"n": pl.Int32}), pl.DataFrame({"n": [3]}), pl.DataFrame({"n": [0.5]})]
    topic = kafka.topic()
    large = pl.DataFrame({"n": range(8193)})
    kafka.send(topic, [stream(tables[0]), b"no table", stream(tables[1]), stream(tables[2]), stream(large), stream(tables[1])])
    (came,) = until(lambda found: found and found[-1].next.offset == 6, follow(topic, format="arrow"))
    assert rows_of(came) == [(1,), (2,), (3,), (0.5,), (3,)]
    came = [each for each in came if each.next > each.first]
    assert [(each.first.offset, each.next.offset) for each in came] == [(0, 3), (3, 5), (5, 6)]
    assert came[0].arrivals.to_list() == [arrival_of(0, 0), arrival_of(0, 0, 1), arrival_of(0, 2)]
    reasons = pl.concat([each.failures for each in came])["_reason"].to_list()
    assert reasons[0].startswith("it is no Arrow IPC stream of rows")
    assert "8,193 rows; a message has at most 8,192 of them" in reasons[1]


def test_avro_records_are_read_with_and_without_the_header_of_a_registry(kafka, follow):
    def record(number, at=None):
        sink = BytesIO()
        fastavro.schemaless_writer(sink, fastavro.parse_schema(json.loads(SCHEMA)), {"id": number, "at": at})
        return sink.getvalue()

    topic = kafka.topic()
    kafka.send(topic, [record(1, "2026-01-01"), b"\x00\x00\x00\x00\x07" + record(2), record(0), b"\x00\x01", record(3) + b"x"])
    (came,) = until(lambda found: found and found[-1].next.offset == 5, follow(topic, format="avro", schema=SCHEMA))
    assert rows_of(came) == [(1, "2026-01-01"), (2, None), (0, None)]
    assert pl.concat([each.failures for each in came])["_reason"].unique().to_list() == ["it is no record of the declared Avro schema"]
    assert came[0].writing.types == {"id": "int", "at": "string"}


def test_changes_as_debezium_writes_them_are_plain_rows(kafka, follow):
    topic = kafka.topic()
    kafka.send(
        topic,
        [b'{"op":"c","ts_ms":1000,"after":{"id":1,"name":"x"}}', b'{"op":"d","before":{"id":1,"name":"x"},"ts_ms":2000}', None, b"{}"],
    )
    (came,) = until(lambda found: found and found[-1].next.offset == 4, follow(topic, format="debezium"))
    frame = pl.concat([each.frame for each in came])
    assert frame.select("id", "name", "_op", "_deleted").rows() == [(1, "x", "c", False), (1, "x", "d", True)]
    assert pl.concat([each.failures for each in came])["_reason"].to_list() == ["it has no op, so it is no change"]


def test_a_topic_that_was_made_anew_is_refused(kafka, follow):
    topic = kafka.topic()
    kafka.send(topic, numbered(0, 3))
    follower = follow(topic, Listening(p0=Position(9)))
    with pytest.raises(SourceChanged, match=r"message 9 of partition 0 of topic .* was the next, and it has those from 0 to 2") as raised:
        until(lambda _: False, follower)
    assert "made anew" in raised.value.remedy


def test_another_topic_in_the_place_of_one_that_was_read_is_refused(kafka, follow):
    first, second = kafka.topic(), kafka.topic()
    kafka.send(first, numbered(0, 3))
    kafka.send(second, numbered(0, 9))
    listener = Keeping()
    until(rows(3), following := follow(first, listener), keeping=listener)
    following.close()
    assert listener.positions == {0: Position(3, first)}
    for topics in (second, [second, first]):
        with pytest.raises(SourceChanged, match=f"partition 0 was read from topic '{first}' until now, up to message 3") as raised:
            until(lambda _: False, refusing := follow(topics, listener))
        refusing.close()
        assert raised.value.remedy.startswith("Keep topics in their places and put new ones at the end of the list")
    until(lambda _: len(listener.rows) == 12, follow([first, second], listener), keeping=listener)


def test_what_is_not_there_is_named_with_a_remedy(kafka, follow):
    topic = kafka.topic()
    with pytest.raises(SourceRefused, match=f"it has no topic '{topic}x'") as raised:
        follow(f"{topic}x").poll(0)
    assert f"Did you mean '{topic}" in raised.value.remedy
    (port,) = free_ports(1)
    with pytest.raises(SourceUnreachable, match=f"127.0.0.1:{port}, topic orders cannot be reached") as raised:
        follow("orders", servers=f"127.0.0.1:{port}", options={"socket.connection.setup.timeout.ms": "1000"}).poll(0)
    assert "Check servers=" in raised.value.remedy
    with pytest.raises(SpecError, match=r"the options of .* are not taken: No such configuration property: \"fetch.mim.bytes\""):
        follow(topic, options={"fetch.mim.bytes": "1"}).poll(0)


def test_secrets_stay_out_of_errors_and_logs(kafka, follow, caplog):
    topic = kafka.topic()
    kafka.send(topic, numbered(0, 1))
    login = {"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": "ana", "sasl.password": "${WORD}"}
    with caplog.at_level(logging.DEBUG, "headrace.kafka"):
        # This broker lets everybody in; what it is told is what a broker that does not is told.
        until(rows(1), follow(topic, options={**login, "debug": "security,conf"}, secrets={"WORD": "hush-hush"}))
    assert "sasl.username" in caplog.text
    assert "hush-hush" not in caplog.text
    with pytest.raises(SpecError, match=r"\*\*\*") as raised:
        follow(topic, options={"security.protocol": "${WORD}"}, secrets={"WORD": "hush-hush"}).poll(0)
    assert "hush-hush" not in str(raised.value)


def test_who_is_not_let_in_is_told_what_to_check(kafka, follow):
    login = {"security.protocol": "sasl_plaintext", "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": "ana", "sasl.password": "${WORD}"}
    with pytest.raises(SourceRefused, match="refuses") as raised:
        follow(kafka.topic(), options=login, secrets={"WORD": "hush-hush"}).poll(0)
    assert "sasl.mechanism" in raised.value.remedy
    with pytest.raises((SourceRefused, SourceUnreachable), match=r"(?i)ssl") as raised:
        follow(kafka.topic(), options={"security.protocol": "ssl"}).poll(0)


def test_messages_that_the_broker_has_removed_are_told_of(kafka, follow):
    topic = kafka.topic()
    kafka.send(topic, numbered(0, 9))
    kafka.forget(topic, before=5)
    with pytest.raises(SourceChanged, match=r"message 2 of partition 0 .* was the next, and it has those from 5 to 8") as raised:
        until(lambda _: False, refusing := follow(topic, Listening(p0=Position(2))))
    refusing.close()
    assert raised.value.remedy == "The broker has removed 3 messages before they were read. expired='skip' goes on without them."
    follower = follow(topic, Listening(p0=Position(2)), expired="skip")
    (came,) = until(rows(4), follower)
    assert rows_of(came) == [(5,), (6,), (7,), (8,)]
    assert follower.trouble == f"3 messages of topic {topic!r} were gone before they were read, and are passed over"


def test_the_follower_of_a_table_is_known_by_its_source(surroundings):
    source = Kafka("orders", servers="localhost:1")
    follower = follower_of(Events("orders", source=source), Listening(), surroundings, "shop")
    assert isinstance(follower, KafkaFollower)
    assert follower._group == "shop-orders"
    assert not follower.ended
    follower.close()


def test_a_missing_library_is_named_with_what_installs_it(surroundings, monkeypatch):
    ours = tuple(f"headrace.ingest.stream.{name}" for name in ("kafka", "lanes"))
    for name in [each for each in sys.modules if each.startswith(("confluent_kafka", *ours))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(FormatNeedsExtra, match=r"localhost:1, topic orders cannot be read") as raised:
        follower_of(Events("orders", source=Kafka("orders", servers="localhost:1")), Listening(), surroundings, "shop")
    assert "headrace[kafka]" in raised.value.remedy


def test_a_static_member_that_comes_back_goes_on(kafka, follow):
    topic = kafka.topic(2)
    keeping = Keeping()
    for begin in (0, 3):
        kafka.send(topic, numbered(begin, begin + 3))
        follower = follow(topic, keeping, options={"group.instance.id": "${MEMBER}"}, secrets={"MEMBER": "one"})
        until(rows(3), follower, keeping=keeping)
        follower.close()
    assert keeping.rows == [(number,) for number in range(6)]


def test_where_partitions_end_is_asked_from_beside_the_stream(kafka):
    topics = [kafka.topic(2), kafka.topic()]
    kafka.send(topics[0], [b"{}"] * 3, partition=1)
    source = Kafka(topics, servers=kafka.servers)
    assert ends_of(source, [0, 1, 64], Secrets({}), 5) == {0: 0, 1: 3, 64: 0}
    kafka.delete(topics[1])
    assert ends_of(source, [1, 64], Secrets({}), 5) == {1: 3}
    nobody = Kafka("orders", servers=f"127.0.0.1:{free_ports(1)[0]}", options=QUICK)
    with pytest.raises(SourceUnreachable):
        ends_of(nobody, [0], Secrets({}), 0.3)


def test_whoever_leaves_does_not_wait_for_a_broker_that_is_away(kafka, follow):
    topic = kafka.topic()
    kafka.send(topic, numbered(0, 3))
    listener = Listening()
    follower = follow(topic, listener)
    until(rows(3), follower)
    kafka.stop()
    try:
        until(lambda _: follower.trouble, follower)
        follower.kept({0: Position(3)})  # the library waits 45 seconds for the answer to this
        begun = time.monotonic()
        follower.close()
        assert time.monotonic() - begun < 5
    finally:
        kafka.start()
    assert listener.told == [("assigned", [0]), ("revoked", [0])]


def test_a_topic_made_anew_that_has_as_many_messages_is_known_by_its_id(kafka, follow, monkeypatch):
    """The broker of the tests gives no ids (or one of zeros, which is none): what one that has them says is put in its place."""
    topic, ids = kafka.topic(), {}
    kafka.send(topic, numbered(0, 5))
    assert topic_ids_of(Kafka(topic, servers=kafka.servers), Secrets({}), 5) == {}
    monkeypatch.setattr("headrace.ingest.stream.kafka_asking.Asking.topic_ids", lambda _: dict(ids))
    listener = Keeping()
    listener.positions[0] = Position(1, topic)  # of a version that knew no ids

    def read(count):
        follower = follow(topic, listener)
        until(rows(count), follower, keeping=listener)
        return follower

    ids[topic] = "first"
    following = read(4)
    assert listener.positions == {0: Position(5, f"{topic}#first")}
    following.close()
    ids.clear()
    kafka.send(topic, numbered(5, 6))
    following = read(1)
    assert listener.positions == {0: Position(6, f"{topic}#first")}, "what the broker does not say stays known"
    ids[topic] = "second"
    following._ids._looked = float("-inf")
    with pytest.raises(SourceChanged, match="was deleted and made anew since message 6 of its partition 0 was the next"):
        following.poll(0)
    following.close()
    with pytest.raises(SourceChanged, match="was deleted and made anew") as raised:
        until(lambda _: False, refusing := follow(topic, listener))
    assert "give the table another name" in raised.value.remedy
    refusing.close()


def test_a_member_that_is_left_no_partition_knows_that_the_others_have_all(kafka, follow):
    topic = kafka.topic()
    one = follow(topic)
    until(lambda _: one.lag() == {0: 0}, one)
    other = follow(topic)
    until(lambda *_: other.left_out, other, one)
    assert not one.left_out
