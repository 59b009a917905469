"""What becomes of messages at the door of a streamed table."""

import json
from datetime import UTC, datetime

import polars as pl
import pytest

import headrace as hr
from headrace.expressions import DType, col
from headrace.ingest.errors import ColumnProblem, ContractBroken
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.door import QUARANTINED, StreamDoor
from headrace.ingest.stream.messages import FAILURES, Messages, Position, Writing, arrival_of, arrivals_of, failures_of
from headrace.spec.errors import SpecError
from headrace.spec.streams import Kafka
from headrace.spec.tables import Entity, Events, Pseudonym

KEY = b"k" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)
JSON = Writing(textual=frozenset({DType.DATETIME}))
SOURCE = Kafka("orders", servers="localhost:9092")


def arriving(frame, *, first=7, partition=3, failures=(), writing=JSON):
    frame = frame if isinstance(frame, pl.DataFrame) else pl.DataFrame(frame)
    offsets = pl.int_range(first, first + frame.height, dtype=pl.Int64, eager=True)
    end = Position(first + frame.height + len(failures))
    failed = failures_of(failures) if failures else pl.DataFrame(schema=FAILURES)
    return Messages("orders", partition, Position(first), end, frame, arrivals_of(partition, offsets).alias(ARRIVAL), failed, writing)


def door(pins=None, **options):
    return StreamDoor(Events("orders", source=SOURCE, **options), KEY, pins)


def test_rows_are_mapped_typed_and_stamped():
    table = door(time="at", columns={"euros": col("cents") / 100}, types={"cents": "int"})
    taken = table.take(arriving({"at": ["2026-01-01T00:00:00Z"], "cents": ["150"]}), NOW)
    assert taken.accepted.to_dicts() == [{"at": NOW, "cents": 150, "euros": 1.5, "_arrival": arrival_of(3, 7), "_ingested": NOW}]
    assert taken.quarantined.schema == QUARANTINED
    assert taken.quarantined.is_empty()
    assert table.pins == {"at": DType.DATETIME, "cents": DType.INT}


def test_first_rows_pin_the_types_and_later_ones_are_held_to_them():
    table = door()
    table.take(arriving({"n": [1, 2], "unknown": [None, None]}), NOW)
    assert table.pins == {"n": DType.INT}
    taken = table.take(arriving({"n": ["x", "5"], "extra": [None, "y"]}, first=9), NOW)
    assert taken.accepted["n"].to_list() == [5]
    assert taken.quarantined.select("_reason", "_row", "_topic", "_partition", "_offset").rows() == [
        ("column n is 'x', not a whole number", '{"n":"x"}', "orders", 3, 9)
    ]
    (left_out,) = [each for each in taken.results if each.rule == "extra is left out"]
    assert (left_out.checked, left_out.severity) == (1, "info")
    assert "types={'extra': ...}" in left_out.detail


def test_of_columns_that_are_left_out_without_end_some_are_named():
    """Each is on record with each version of the table."""
    table, told = door(pins={"n": DType.INT}), {}
    for first in (0, 1):
        for each in table.take(arriving({"n": [1]} | {f"k{number}": [1] for number in range(99 * first, 99 * first + 99)}), NOW).results:
            told[each.rule] = told.get(each.rule, 0) + each.checked
    left_out = {rule: rows for rule, rows in told.items() if "left out" in rule}
    assert len(left_out) == 101
    assert left_out["more columns are left out"] == 98


def test_pins_of_another_time_bind_and_types_of_the_contract_come_before_them():
    table = door({"n": DType.INT, "was": DType.STRING}, types={"n": "float"})
    taken = table.take(arriving({"n": [1.5]}), NOW)
    assert taken.accepted.select("n", "was").rows() == [(1.5, None)]


def test_batches_without_a_column_or_without_rows_have_the_same_columns():
    table = door({"n": DType.INT, "at": DType.DATETIME}, time="at")
    schemas = [table.take(arriving(frame), NOW).accepted.schema for frame in ({"n": [1]}, {"at": [NOW]}, pl.DataFrame(), {"n": [None]})]
    assert len(set(map(tuple, (each.items() for each in schemas)))) == 1


@pytest.mark.parametrize("frame", [pl.DataFrame(height=2), {"n": [None, None]}])
def test_first_rows_without_a_value_settle_no_table(frame):
    with pytest.raises(ColumnProblem, match="'orders' have no value in any column"):
        door().take(arriving(frame), NOW)
    assert door(types={"n": "int"}).take(arriving(frame), NOW).accepted["n"].to_list() == [None, None]


def test_columns_that_the_lake_does_not_tell_apart_are_refused():
    """They would wait for it for ever."""
    with pytest.raises(ColumnProblem, match="columns 'Shop' and 'shop' of table 'orders' differ by capital letters alone"):
        door().take(arriving({"Shop": ["a"], "shop": ["b"]}), NOW)
    with pytest.raises(ColumnProblem, match="'Euros' and 'euros'"):
        door(columns={"euros": col("Euros") * 1.0}).take(arriving({"Euros": [1.0]}), NOW)


def test_nothing_that_can_be_read_pins_nothing():
    table = door()
    taken = table.take(arriving(pl.DataFrame(), failures=[(arrival_of(3, 7), "it is no JSON", "{")]), NOW)
    assert table.pins is None
    assert taken.accepted.is_empty()
    assert taken.quarantined.rows() == [(arrival_of(3, 7), NOW, "it is no JSON", '{"text":"{"}', "orders", 3, 7)]
    assert [(each.rule, each.failed, each.checked) for each in taken.results] == [("readable", 1, 1)]


def test_the_contract_is_held():
    table = door(
        time="at", known="seen", id="id", types={"at": "datetime", "seen": "datetime", "id": "string"},
        expect=[hr.between("n", 1, 5), hr.between("n", 1, 3, severity="warn")],
    )  # fmt: skip
    rows = {
        "id": ["a", "b", None, "d", "e"],
        "at": ["2026-01-01", "2026-01-01", "2026-01-01", None, "2026-01-02"],
        "seen": ["2026-01-01"] * 5,
        "n": [1, 9, 2, 3, 4],
    }
    taken = table.take(arriving(rows), NOW)
    assert taken.accepted["id"].to_list() == ["a"]
    assert taken.quarantined.select("_offset", "_reason").rows() == [
        (8, "between(n, 1, 5)"), (9, "id of the id is null"), (10, "time at is null"), (11, "known before time (seen < at)"),
    ]  # fmt: skip
    counted = {each.rule: (each.failed, each.checked) for each in taken.results if each.severity != "info"}
    assert counted["between(n, 1, 5)"] == (1, 5)
    assert counted["between(n, 1, 3)"] == (2, 5)
    assert taken.accepted.height + taken.quarantined.height == 5


def test_a_stop_refuses_all_rows_of_the_batch():
    table = door(expect=[hr.between("n", 1, 5, severity="stop")])
    with pytest.raises(ContractBroken, match="between") as raised:
        table.take(arriving({"n": [1, 9]}), NOW)
    assert '{"n":9}' in raised.value.remedy


def test_personal_columns_are_pseudonyms_wherever_they_go():
    table = door(personal={"mail": Pseudonym()}, types={"n": "int", "mail": "string"}, expect=[hr.between("n", 1, 5)])
    failures = [(arrival_of(3, 99), "it is no JSON", '{"mail":"cleo@x.org"')]
    taken = table.take(arriving({"mail": ["ana@x.org", "bo@x.org", "di@x.org"], "n": ["1", "x", "9"]}, failures=failures), NOW)
    assert "@" not in str(taken.accepted.rows()) + str(taken.quarantined.rows())
    assert taken.accepted["mail"].str.len_chars().to_list() == [len(taken.accepted["mail"][0])]
    assert taken.quarantined["_reason"].to_list()[-1] == "it is no JSON; it is not shown, since the table has personal columns"
    assert json.loads(taken.quarantined["_row"][-1]) == {"text": None}


def test_known_as_it_is_ingested_is_the_moment_of_the_batch():
    table = door(time="at", known="ingested", types={"at": "datetime"})
    taken = table.take(arriving({"at": ["2025-12-31", "2026-01-02"]}), NOW)
    assert taken.accepted["_ingested"].to_list() == [NOW]
    assert taken.quarantined["_reason"].to_list() == ["known before time (_ingested < at)"]


def test_a_column_that_is_named_and_has_no_value_yet_needs_a_type():
    with pytest.raises(ColumnProblem, match=r"id= of table 'orders' names 'id', and the first rows have no value of it") as raised:
        door(id="id").take(arriving({"id": [None], "n": [1]}), NOW)
    assert "types={'id': 'string'}" in raised.value.remedy
    with pytest.raises(ColumnProblem, match="known= of table 'orders' names 'late'"):
        door(time="at", known={"late": "at"}).take(arriving({"at": ["2026-01-01"], "late": [None]}), NOW)
    with pytest.raises(ColumnProblem, match=r"columns\['twice'\]"):
        door(columns={"twice": col("m") * 2}).take(arriving({"n": [1]}), NOW)
    table = door(time="at")
    table.take(arriving({"at": [None], "n": [1]}), NOW)
    assert table.pins == {"at": DType.DATETIME, "n": DType.INT}


def test_a_new_column_may_be_refused_and_an_old_name_is_read_as_the_new():
    refusing = door({"n": DType.INT}, evolve=hr.Evolve(add="refuse"))
    refusing.take(arriving({"n": [1], "m": [None]}), NOW)
    with pytest.raises(ColumnProblem, match="new column: 'm'"):
        refusing.take(arriving({"n": [1], "m": [2]}), NOW)
    table = door({"n": DType.INT}, evolve=hr.Evolve(rename={"number": "n"}))
    assert table.take(arriving({"number": [1, None], "n": [None, 2]}), NOW).accepted["n"].to_list() == [1, 2]


def test_times_without_a_zone_are_told():
    taken = door(time="at").take(arriving({"at": ["2026-01-01 00:00:00"]}), NOW)
    assert [each.detail for each in taken.results if each.rule == "at has no zone"] == ["its times are taken for UTC"]


def test_what_takes_all_rows_is_refused_for_a_stream():
    with pytest.raises(SpecError, match="takes all rows there ever were") as raised:
        door(expect=[hr.unique("n")])
    assert "id=" in raised.value.remedy


@pytest.mark.parametrize("widen", ["accept", "refuse"])
def test_a_rule_that_would_read_again_what_came_before_is_refused_for_a_stream(widen):
    with pytest.raises(SpecError, match=f"widen='{widen}' would read again"):
        door(evolve=hr.Evolve(widen=widen))


def test_an_entity_without_time_is_taken():
    table = StreamDoor(Entity("planes", source=SOURCE, key="tail"), KEY)
    assert table.take(arriving({"tail": ["a"], "year": [1999]}), NOW).accepted.height == 1
