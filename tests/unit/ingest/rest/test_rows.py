"""From JSON to columns: nothing lost, nothing guessed."""

import polars as pl
import pytest
from services.json_api import JsonApi, Reply

from headrace.ingest.errors import SourceChanged
from headrace.ingest.rest.rows import frame_of
from headrace.spec.rest import REST

from .conftest import Asker


@pytest.mark.parametrize(
    ("values", "dtype", "kept"),
    [
        ([True, None], pl.Boolean, [True, None]),
        ([1, None, -(2**63)], pl.Int64, [1, None, -(2**63)]),
        ([1, 2.5], pl.Float64, [1.0, 2.5]),
        (["a", None], pl.String, ["a", None]),
        ([None, None], pl.Null, [None, None]),
        ([2**63, 1], pl.String, ["9223372036854775808", "1"]),
        ([2**53 + 1, 0.5], pl.String, ["9007199254740993", "0.5"]),
        ([True, 1, "x"], pl.String, ["true", "1", "x"]),
        ([{"b": 1, "a": [1, None]}, None], pl.String, ['{"a":[1,null],"b":1}', None]),
        ([[], [1, "é"]], pl.String, ["[]", '[1,"é"]']),
    ],
)
def test_a_column_has_the_one_type_of_its_values_or_is_text(values: list[object], dtype: type[pl.DataType], kept: list[object]) -> None:
    frame, _ = frame_of([{"x": value} for value in values])
    assert frame.schema == {"x": dtype}
    assert frame["x"].to_list() == kept


def test_what_is_kept_as_text_for_want_of_a_type_is_told() -> None:
    _, notes = frame_of([{"a": 1, "b": 2**70, "c": 2**60, "d": "x"}, {"a": "x", "b": 1, "c": 0.5, "d": None}])
    assert notes == (
        "column 'a' is kept as text: it holds integers and texts",
        "column 'b' is kept as text: some of its integers need more than 64 bits",
        "column 'c' is kept as text: some of its integers would be rounded by the fractions among them",
    )


def test_columns_come_in_the_order_in_which_they_first_come_up() -> None:
    frame, _ = frame_of([{"b": 1, "a": 1}, {"c": 1, "a": 2}])
    assert frame.to_dict(as_series=False) == {"b": [1, None], "a": [1, 2], "c": [None, 1]}


def test_named_objects_become_columns_and_others_texts(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply([{"id": 1, "by": {"name": "Ada", "home": {"city": "Ulm"}}, "tags": ["a"]}, {"id": 2, "by": None, "tags": []}]))
    assert asker.rows(REST(api.url, flatten="by")) == [
        {"id": 1, "by.name": "Ada", "by.home": '{"city":"Ulm"}', "tags": '["a"]'},
        {"id": 2, "by.name": None, "by.home": None, "tags": "[]"},
    ]
    assert asker.rows(REST(api.url, flatten=["by", "by.home"]))[0]["by.home.city"] == "Ulm"
    assert asker.rows(REST(api.url))[0]["by"] == '{"home":{"city":"Ulm"},"name":"Ada"}'


def test_two_fields_that_would_become_one_column_are_refused(api: JsonApi, asker: Asker) -> None:
    api.answers(Reply([{"by": {"name": "Ada"}, "by.name": "Bob"}]))
    with pytest.raises(SourceChanged, match=r"two fields 'by.name'"):
        asker.rows(REST(api.url, flatten="by"))


@pytest.mark.parametrize("raw", [b'[{"x": NaN}]', b'[{"x": 1e999}]', b'[{"x": "\\ud800"}]', b'[{"x": "\xff"}]', b"[" * 100_000])
def test_what_json_does_not_know_is_refused(api: JsonApi, asker: Asker, raw: bytes) -> None:
    api.answers(Reply(raw=raw))
    with pytest.raises(SourceChanged, match="is no JSON"):
        asker.rows(REST(api.url, retries=0))
