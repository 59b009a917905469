"""Values of messages as rows, and what becomes of those that are none."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import fastavro
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.expressions import DType
from headrace.ingest.errors import ColumnProblem, SourceRefused, SourceUnreadable, UnsupportedColumn
from headrace.ingest.stream.avro import open_avro
from headrace.ingest.stream.decoding import Decoder, Lane, Record
from headrace.ingest.stream.door import StreamDoor
from headrace.ingest.stream.messages import OFFSETS, arrival_of
from headrace.ingest.stream.values import ArrowReader, JsonReader
from headrace.spec.streams import Kafka
from headrace.spec.tables import Events

KEY = b"k" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LANE = Lane("orders", 5, 5)


def source(**declared):
    return Kafka("orders", servers="localhost:1", **declared)


def record(values, first=0, keys=None):
    count = len(values)
    return Record(list(range(first, first + count)), list(values), keys or [None] * count, [()] * count, [None] * count)


def decoded(values, reader=None, first=0, keys=None, **declared):
    made = record(values, first, keys)
    return list(Decoder(source(**declared), reader or JsonReader()).decode(LANE, made, first + len(values)))


def one(values, **declared):
    (messages,) = decoded(values, **declared)
    return messages


def reasons(messages):
    return messages.failures["_reason"].to_list()


def test_values_keep_what_they_are():
    frame = one(
        [
            b'{"n": 9007199254740993, "f": 1, "t": "2026-01-01", "o": {"b": 1, "a": [1, null]}, "mixed": 1}',
            b'{"n": -1, "f": 0.5, "t": null, "mixed": "x", "late": true}',
            b"{}",
        ]
    ).frame
    assert frame.rows() == [
        (9007199254740993, 1.0, "2026-01-01", '{"a":[1,null],"b":1}', "1", None),
        (-1, 0.5, None, None, "x", True),
        (None, None, None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "it is no JSON (input data was truncated)"),
        (b"{", "it is no JSON (input data was truncated)"),
        (b"null", "it is JSON, but no object"),
        (b'[{"a": 1}]', "it is JSON, but no object"),
        (b'{"a": 1}{"a": 2}', "it is no JSON (JSON is malformed: trailing characters (byte 9))"),
        (b'{"a": 1e999}', "it is no JSON (number out of range - at `$[...]`)"),
        (b'{"a": "\xff"}', "it is no JSON ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte)"),
        (b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}", "it is JSON, but too deep"),
        (b'{"_arrival": 1}', "it has a field '_arrival', a name that Headrace keeps for itself"),
        (b'{"who": 1}', "it has a field 'who', a column that is filled from beside the value"),
        (b'{" ": 1}', "it has a field without a name"),
    ],
)
def test_a_bad_message_is_told_and_the_others_are_read(value, reason):
    messages = one([b'{"a": 1}', value, b'{"a": 3}'], first=10, key="who")
    assert messages.frame["a"].to_list() == [1, 3]
    assert messages.arrivals.to_list() == [arrival_of(5, 10), arrival_of(5, 12)]
    assert reasons(messages) == [reason]
    assert messages.failures["_arrival"].to_list() == [arrival_of(5, 11)]
    assert len(messages.failures["_text"][0]) <= 1000
    assert (messages.first.offset, messages.next.offset) == (10, 13)


def test_fields_with_names_that_are_taken_are_no_fault_while_they_are_null():
    messages = one([b'{"a": 1, "_row": null}'])
    assert messages.frame.columns == ["a"]
    assert messages.failures.is_empty()


def test_a_time_of_no_year_is_set_aside_however_far_it_lies():
    """The last is the nanoseconds of a day in 2024: a thousand times that is, modulo 2**64, the microseconds of one in 2003."""
    stamps = [10**12, 10**16, -(10**16), 2**63 - 1, 1_733_995_000_000_000_000]
    made = record([b"{}"] * 5)._replace(stamps_ms=stamps)
    (messages,) = Decoder(source(timestamp="sent"), JsonReader()).decode(LANE, made, 5)
    taken = StreamDoor(Events("orders", source=source(timestamp="sent"), time="sent"), KEY, None).take(messages, NOW)
    assert taken.accepted["sent"].to_list() == [datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)]
    assert taken.quarantined.height == 4


@pytest.mark.parametrize("declared", [{"key": "_arrival"}, {"headers": {"trace": "_ingested"}}, {"timestamp": "_reason"}])
def test_columns_beside_the_values_take_no_name_that_is_taken(declared):
    with pytest.raises(ColumnProblem, match="keeps for itself"):
        Decoder(source(**declared), JsonReader())


def test_a_message_beyond_what_can_be_numbered_is_refused():
    with pytest.raises(SourceRefused, match="has more than 1,099,511,627,776 messages"):
        one([b'{"a": 1}'], first=OFFSETS)


def test_tombstones_are_rows_where_a_column_says_so():
    messages = one([None, b'{"n": 1}', None], keys=[b"a", b"b", b"c"], key="id", tombstone="gone")
    assert messages.frame.select("id", "n", "gone").rows() == [("a", None, True), ("b", 1, False), ("c", None, True)]
    only = one([None], keys=[b"a"], key="id", tombstone="gone")
    assert only.frame.rows() == [("a", True)]


def stream(**columns):
    sink = BytesIO()
    pl.DataFrame(columns).write_ipc_stream(sink)
    return sink.getvalue()


def test_tables_of_several_forms_come_in_several_pieces_that_follow_each_other():
    values = [stream(n=[1, 2]), None, stream(n=["x"]), b"x", None, stream(n=["y"]), stream(n=[3])]
    pieces = decoded(values, ArrowReader(), format="arrow", tombstone="gone")
    assert [(each.first.offset, each.next.offset) for each in pieces] == [(0, 2), (2, 6), (6, 7)]
    assert [each.frame.rows() for each in pieces] == [
        [(1, False), (2, False), (None, True)],
        [("x", False), (None, True), ("y", False)],
        [(3, False)],
    ]
    assert [each.failures.height for each in pieces] == [0, 1, 0]
    arrivals = pl.concat([each.arrivals for each in pieces])
    assert arrivals.is_sorted()
    assert arrivals.n_unique() == len(arrivals)


def test_arrow_of_other_types_and_damaged_bytes_are_set_aside():
    good = stream(n=[1])
    values = [stream(n=[[1]]), stream(n=[b"x"]), good[:-20], good[:60] + b"\xff" * 40 + good[100:], good]
    messages = one(values, reader=ArrowReader(), format="arrow")
    assert messages.frame.rows() == [(1,)]
    assert messages.failures.height == 4


FIELDS = [
    {"name": "n", "type": "long"},
    {"name": "x", "type": ["null", "long", "double"]},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
    {"name": "kind", "type": {"type": "enum", "name": "kind", "symbols": ["a", "b"]}},
    {"name": "within", "type": {"type": "record", "name": "within", "fields": [{"name": "m", "type": "int"}]}},
    {"name": "either", "type": ["boolean", "string"]},
    {"name": "nothing", "type": "null"},
]
TYPES = {
    "n": DType.INT, "x": DType.FLOAT, "price": DType.FLOAT, "at": DType.DATETIME, "day": DType.DATETIME, "kind": DType.STRING,
    "within": DType.STRING, "either": DType.STRING, "nothing": DType.STRING,
}  # fmt: skip


def avro(tmp_path, fields=FIELDS, schema=None):
    schema = schema or json.dumps({"type": "record", "name": "r", "fields": fields})
    return open_avro(source(format="avro", schema=schema), tmp_path)


def test_avro_types_come_from_the_schema(tmp_path):
    reader = avro(tmp_path)
    assert reader.writing.types == TYPES
    schema = fastavro.parse_schema({"type": "record", "name": "r", "fields": FIELDS})
    row = {
        "n": 1, "x": 2, "price": Decimal("3.50"), "at": NOW, "day": date(2026, 1, 2), "kind": "b", "within": {"m": 1}, "either": True,
        "nothing": None,
    }  # fmt: skip
    sink = BytesIO()
    fastavro.schemaless_writer(sink, schema, row)
    messages = one([sink.getvalue()], reader=reader, format="avro", schema="{}")
    taken = StreamDoor(Events("orders", source=source()), KEY).take(messages, NOW)
    expected = (1, 2.0, 3.5, NOW, NOW + timedelta(days=1), "b", '{"m": 1}', "true", None)
    assert taken.accepted.drop("_arrival", "_ingested").rows() == [expected]
    (tmp_path / "order.avsc").write_text(json.dumps({"type": "record", "name": "r", "fields": FIELDS}))
    assert avro(tmp_path, schema="order.avsc").writing.types == TYPES


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("nowhere.avsc", "No such file"),
        ('{"type": "record"', "cannot be read"),
        ('{"type": "record", "name": "r", "fields": [{"name": "a", "type": "nothing"}]}', "nothing"),
        ('{"type": "map", "values": "int"}', "is none of a record"),
    ],
)
def test_a_schema_that_is_none_is_refused(tmp_path, schema, said):
    with pytest.raises(SourceUnreadable, match=said) as raised:
        avro(tmp_path, schema=schema)
    assert "schema=" in raised.value.remedy


def test_a_field_that_tables_do_not_hold_is_refused(tmp_path):
    with pytest.raises(UnsupportedColumn, match="'b'"):
        avro(tmp_path, [{"name": "b", "type": ["null", "bytes"]}])


def test_a_header_that_might_be_none_is_not_guessed(tmp_path):
    reader = avro(tmp_path, [{"name": "a", "type": "string"}, {"name": "c", "type": "string"}])
    # Without a header an empty text and one of six bytes; with one, which is the first five bytes, an empty text and "z".
    both = b"\x00\x0c\x00\x00\x00" + b"\x00\x02z"
    assert reader.read([both], [None]).unread == {
        0: "it is a record of the declared Avro schema both with and without the header of a schema registry"
    }


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**64), 2**64),
    # Beyond, a number that is written as a fraction has fewer digits among texts than it stands for.
    st.floats(-(2.0**53), 2.0**53),
    st.sampled_from([0, 1, 1.0, 2**53 + 1]),
    st.sampled_from(["1", "0", "true", "x", "1.5", "2026-01-01", "12:00:00", "9007199254740993", "1e3"]), st.just({"a": 1}), st.just([1]),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(values=st.lists(_VALUES, min_size=1, max_size=6), cut=st.integers(0, 6), kind=st.sampled_from(list(DType)))
def test_what_a_value_becomes_does_not_depend_on_those_beside_it(values, cut, kind):
    if kind is DType.NULL:
        return
    messages = [json.dumps({"v": value}).encode() for value in values]

    def taken(*batches):
        door, first, rows = StreamDoor(Events("orders", source=source(), types={"v": kind}), KEY), 0, []
        for batch in batches:
            for each in decoded(batch, first=first):
                result = door.take(each, NOW)
                if door.pins is not None:
                    rows += result.accepted.select("_arrival", "v").rows()
                # Of what is refused only how it is told may depend on them: 0 is 0.0 among fractions.
                rows += result.quarantined.select("_arrival").rows()
            first += len(batch)
        return sorted(rows, key=lambda row: row[0])

    assert taken(messages) == taken(messages[:cut], messages[cut:]) == taken(*([each] for each in messages))


def test_what_is_set_aside_says_which_partition_of_its_own_topic_it_came_from():
    """Whoever looks for the message asks the broker, which does not know how a table numbers partitions of several topics."""
    lane, declared = Lane("us.orders", 2, 66), Kafka(["eu.orders", "us.orders"], servers="localhost:1")
    (messages,) = Decoder(declared, JsonReader()).decode(lane, record([b'{"n": 1}', b"{"]), 2)
    assert messages.partition == 66
    assert messages.arrivals.to_list() == [arrival_of(66, 0)]
    taken = StreamDoor(Events("orders", source=declared), KEY).take(messages, NOW)
    assert taken.quarantined.select("_topic", "_partition", "_offset").rows() == [("us.orders", 2, 1)]
