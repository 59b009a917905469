"""Declarations of sources that are followed."""

from datetime import timedelta

import pytest

from headrace.core.errors import UserError
from headrace.spec.errors import InvalidOption, SpecError
from headrace.spec.sources import File
from headrace.spec.streams import Kafka, Replay


def kafka(**options):
    return Kafka(**{"topics": "orders", "servers": "broker:9092"} | options)


def test_one_topic_or_several_and_durations_as_they_are_written():
    source = kafka(topics=["a", "b"], lateness="0s", remember=timedelta(0), history="1h30m", idle="5m")
    assert source.topics == ("a", "b")
    assert (source.lateness, source.remember, source.history) == (timedelta(0), timedelta(0), timedelta(minutes=90))
    assert source.place == "broker:9092, topics a, b"
    assert kafka(key="k", headers={"h": "c"}, timestamp="t", tombstone="gone").columns == ("k", "c", "t", "gone")


@pytest.mark.parametrize(
    ("options", "said", "remedy"),
    [
        ({"topics": ()}, "the topics", "at least one"),
        ({"topics": ["a", "a"]}, "the topics", "each once"),
        ({"topics": [f"t{n}" for n in range(17)]}, "the topics", "at most 16"),
        ({"servers": "http://broker:9092"}, "host:port", "several with commas"),
        ({"servers": ""}, "host:port", "several with commas"),
        ({"format": "xml"}, "the format of Kafka cannot be 'xml'", "'json', 'avro', 'arrow', 'debezium'"),
        ({"format": "avro"}, "the schema of Kafka cannot be None", "the Avro schema"),
        ({"schema": "{}"}, "the schema of Kafka", "none, since format='json'"),
        ({"start": "now"}, "the start of Kafka", "'earliest', 'latest'"),
        ({"expired": "ignore"}, "the expired of Kafka", "'refuse', 'skip'"),
        ({"lateness": "-1m"}, "the lateness of Kafka cannot be '-1m'", "'0s'"),
        ({"lateness": 5}, "the lateness of Kafka cannot be 5", "'1m'"),
        ({"idle": "0s"}, "the idle of Kafka", "None"),
        ({"key": "k", "tombstone": "k"}, "a column of Kafka cannot be 'k'", "another one for each"),
        ({"options": {"sasl.passwrd": "${P}"}}, "there is no option 'sasl.passwrd'", "Did you mean 'sasl.password'?"),
        ({"options": {"security.protocol": "tls"}}, "cannot be 'tls'", "sasl_ssl"),
        ({"options": {"group.id": "x"}}, "'group.id'", "Use group=."),
        ({"options": {"auto.offset.reset": "x"}}, "'auto.offset.reset'", "Use start=."),
        ({"options": {"session.timeout.ms": 10}}, "cannot be 'int'", "a text"),
    ],
)
def test_what_cannot_be_says_what_can(options, said, remedy):
    with pytest.raises(UserError) as raised:
        kafka(**options)
    assert said in raised.value.problem
    assert remedy in raised.value.remedy
    assert raised.value.location.file == __file__


@pytest.mark.parametrize("name", ["sasl.password", "ssl.key.password", "ssl.key.pem", "sasl.oauthbearer.client.secret"])
def test_a_secret_is_named_and_never_written_nor_repeated(name):
    assert kafka(options={name: "${SECRET}"}).options == {name: "${SECRET}"}
    with pytest.raises(SpecError, match="written plainly") as raised:
        kafka(options={name: "hush"})
    assert "hush" not in str(raised.value)
    with pytest.raises(SpecError) as raised:
        kafka(servers="ana:hush@broker:9092")
    assert "hush" not in str(raised.value)


def test_a_replay_plays_what_ends_at_a_speed_above_zero():
    assert Replay(File("flights.csv"), speed=60).place == "the replay of flights.csv"
    for source in (Replay(File("a.csv")), kafka(), "a.csv"):
        with pytest.raises(InvalidOption, match="the source of Replay"):
            Replay(source)
    for speed in (0, -1, float("nan"), float("inf"), True, "fast"):
        with pytest.raises(InvalidOption, match="the speed of Replay"):
            Replay(File("a.csv"), speed=speed)
