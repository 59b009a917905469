from datetime import UTC, datetime, timedelta

import pytest

from headrace.bundles.manifest import GivenField
from headrace.core.pseudonyms import pseudonymise
from headrace.expressions import DType
from headrace.serving.errors import InvalidValue, MalformedRequest
from headrace.serving.rows import RowReader, read_as_of

ODD = ("class", 'it\'s "so"', "back\\slash", "new\nline", "{value}", "größe", "\u2028", "value", "")


@pytest.fixture
def reader(given, pseudonym_key):
    return RowReader(given, pseudonym_key)


def test_values_come_typed_and_personal_ones_pseudonymised(reader, row, pseudonym_key):
    assert reader.read(row, 0) == {
        "size": 1.5, "count": 3, "colour": "blue", "fast": True, "at": datetime(2024, 5, 1, 8, tzinfo=UTC), "wait": timedelta(seconds=90),
        "who": pseudonymise("Ana", pseudonym_key),
    }  # fmt: skip


def test_fields_may_be_called_anything(pseudonym_key):
    row = {name: float(number) for number, name in enumerate(ODD)}
    assert RowReader([GivenField(name, DType.FLOAT) for name in ODD], pseudonym_key).read(row, 0) == row


def test_a_personal_number_has_the_pseudonym_of_its_text(reader, row):
    assert reader.read({**row, "who": 123}, 0)["who"] == reader.read({**row, "who": "123"}, 0)["who"]


def test_null_is_admitted_everywhere(reader, row):
    assert reader.read(dict.fromkeys(row), 0) == dict.fromkeys(row)


@pytest.mark.parametrize(
    ("field", "value", "came", "remedy"),
    [
        ("size", "1.5", "the text '1.5'", ""),
        ("size", True, "true", ""),
        ("size", 10**400, "the number", "too large"),
        ("count", 1.5, "the number 1.5", ""),
        ("count", 2**63, "the number", "64 bits"),
        ("count", "3", "the text", ""),
        ("count", False, "false", ""),
        ("colour", 3, "the number 3", ""),
        ("colour", ["blue"], "a list", ""),
        ("fast", 1, "the number 1", ""),
        ("fast", "true", "the text", ""),
        ("at", "2024-05-01T10:00:00", "the text", "2024-05-01T10:00:00Z"),
        ("at", "yesterday", "the text 'yesterday'", ""),
        ("at", 1714550400, "the number", ""),
        ("at", "0001-01-01T00:00:00+14:00", "the text", ""),
        ("wait", "90s", "the text '90s'", ""),
        ("wait", 1e300, "the number", "too large"),
        ("wait", {"seconds": 3}, "an object", ""),
    ],
)
def test_a_wrong_value_names_row_field_what_was_expected_and_what_came(reader, row, field, value, came, remedy):
    with pytest.raises(InvalidValue) as caught:
        reader.read({**row, field: value}, 7)
    error = caught.value
    assert (error.row, error.field) == (7, field)
    assert came in error.came
    assert remedy in error.remedy
    assert str(error).startswith(f"row 7: '{field}' must be {reader.expected(field)} or null; it is {error.came}")


def test_a_personal_value_is_never_shown(reader, row):
    with pytest.raises(InvalidValue) as caught:
        reader.read({**row, "who": ["Ana Secret"]}, 0)
    assert "Secret" not in str(caught.value)
    assert "a list (not shown: the field is personal)" in str(caught.value)


def test_a_long_value_is_cut_short(reader, row):
    with pytest.raises(InvalidValue) as caught:
        reader.read({**row, "size": "x" * 1000}, 0)
    assert len(str(caught.value)) < 200


def test_an_integer_written_with_a_point_is_an_integer(reader, row):
    value = reader.read({**row, "count": 3.0, "size": 2}, 0)
    assert (value["count"], type(value["count"]), type(value["size"])) == (3, int, float)


def test_a_missing_field_is_named(reader, row):
    del row["colour"]
    with pytest.raises(InvalidValue, match="row 2: 'colour' must be a text or null; it is missing") as caught:
        reader.read(row, 2)
    assert "null" in caught.value.remedy


@pytest.mark.parametrize("keep", [True, False])
def test_an_unknown_field_gets_the_nearest_name(reader, row, keep):
    row["color"] = row["colour"]
    if not keep:
        del row["colour"]
    with pytest.raises(InvalidValue, match="'color'") as caught:
        reader.read(row, 0)
    assert "Did you mean 'colour'" in caught.value.remedy


@pytest.mark.parametrize("raw", [None, 3, "row", [1]])
def test_a_row_is_an_object(reader, raw):
    with pytest.raises(MalformedRequest, match="row 4"):
        reader.read(raw, 4)


def test_as_of_is_now_unless_given(now):
    assert read_as_of(None, now) is now
    assert read_as_of("2024-01-01T00:00:00Z", now) == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("raw", "words"), [("2024-01-01T00:00:00", "offset"), ("soon", "'soon'"), (3, "the number 3")])
def test_an_as_of_that_is_no_moment_is_refused(now, raw, words):
    with pytest.raises(InvalidValue, match="as_of") as caught:
        read_as_of(raw, now)
    assert words in str(caught.value)
