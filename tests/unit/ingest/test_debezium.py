"""Change messages, made plain."""

import json

import pytest

from headrace.ingest.debezium import Change, change_of

MADE, SEEN = 1_700_000_000_000, 1_700_000_000_250
OWN = {"_changed": "2023-11-14T22:13:20Z", "_captured": "2023-11-14T22:13:20.250000Z"}
OLD, NEW = {"id": 1, "name": "old", "price": None}, {"id": 1, "name": "new", "price": 12.50}


def message(op, before=None, after=None, **more):
    return {"before": before, "after": after, "op": op, "ts_ms": SEEN, "source": {"ts_ms": MADE, "db": "shop", "lsn": 7}, **more}


def row(value, key=None):
    found = change_of(json.dumps(value).encode(), None if key is None else json.dumps(key).encode())
    assert found.reason == ""
    return None if found.row is None else json.loads(found.row)


@pytest.mark.parametrize("op", ["c", "u", "r"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_row_is_as_it_is_after_the_change(op, wrapped):
    told = message(op, OLD if op == "u" else None, NEW)
    value = {"schema": {"type": "struct", "fields": []}, "payload": told} if wrapped else told
    assert row(value) == {**NEW, "_op": op, "_deleted": False, **OWN}


def test_a_delete_has_what_the_row_was_and_what_its_key_says():
    assert row(message("d", OLD)) == {**OLD, "_op": "d", "_deleted": True, **OWN}
    assert row(message("d"), {"id": 1}) == {"id": 1, "_op": "d", "_deleted": True, **OWN}
    assert row(message("d"), {"schema": {}, "payload": {"id": 1}}) == {"id": 1, "_op": "d", "_deleted": True, **OWN}
    assert row(message("d", {"id": 2}), {"id": 1, "of": "x"})["id"] == 2


@pytest.mark.parametrize("value", [None, b"", b"null", b" null "])
def test_a_tombstone_says_nothing(value):
    assert change_of(value, b'{"id": 1}') == Change()


def test_moments_are_as_fine_as_they_are_told():
    fine = message("c", None, NEW, ts_us=SEEN * 1000 + 7)
    fine["source"]["ts_us"] = MADE * 1000 + 3
    assert row(fine)["_changed"] == "2023-11-14T22:13:20.000003Z"
    assert row(fine)["_captured"] == "2023-11-14T22:13:20.250007Z"
    assert row({"op": "c", "after": NEW, "ts_ms": SEEN})["_changed"] == OWN["_captured"]
    assert row({"op": "c", "after": NEW})["_changed"] is None


def test_values_stay_as_they_were_written():
    value = b'{"op":"c","after":{"n":12345678901234567890123,"d":1.10,"nested":{"a":[1,2]},"text":"\\u00e9"}}'
    found = change_of(value).row
    assert found is not None
    assert found.startswith(b'{"n":12345678901234567890123,"d":1.10,"nested":{"a":[1,2]},"text":"\\u00e9","_op":"c"')


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"[1]", "it is JSON, but no change: Expected `object`, got `array`"),
        (b'{"op": 1}', "it is JSON, but no change: Expected `str | null`, got `int` - at `$.op`"),
        (b'{"id": 1}', "it has no op, so it is no change"),
        (b'{"op": "u", "before": {"id": 1}}', "its op is 'u', but it has no after"),
        (b'{"op": "d"}', "its op is 'd', but neither before nor its key says what is gone"),
        (b'{"op": "t"}', "its op is 't', which is about no single row"),
        pytest.param(b'{"op": "c", "after": {"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "it is JSON, but too deep", id="deep"),
        (b'{"op": "c", "after": {"id": 1}, "ts_ms": 999999999999999999}', "its time is of no year from 1 to 9999"),
    ],
)
def test_what_is_no_change_says_why(value, reason):
    assert change_of(value, b"a key that is no JSON") == Change(reason=reason)


@pytest.mark.parametrize("key", [b"7", pytest.param(b"[" * 100_000, id="deep"), b'{"schema": {}, "payload": 3}', b"\xff"])
def test_a_key_that_is_no_object_names_no_columns(key):
    assert change_of(b'{"op": "d"}', key).reason.startswith("its op is 'd', but neither")
