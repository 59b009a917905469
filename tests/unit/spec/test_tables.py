"""Tables: what they declare and what they refuse."""

from datetime import timedelta

import pytest

from headrace.expressions import DType, col
from headrace.spec.errors import InvalidOption, SpecError, UnknownName
from headrace.spec.expectations import not_null
from headrace.spec.features import latest
from headrace.spec.sources import File
from headrace.spec.tables import Derived, Entity, Events, Pseudonym, duration_or_none

SOURCE = File("t.csv")


def test_lists_become_tuples_and_mappings_read_only():
    table = Events(
        "t", source=SOURCE, id="a", columns={"b": col("a") + 1}, types={"a": "int"}, expect=[not_null("a")], personal={"a": Pseudonym()}
    )
    assert table.id == ("a",)
    assert dict(table.types) == {"a": DType.INT}
    assert len(table.expect) == 1
    assert table.parents == ()
    with pytest.raises(TypeError):
        table.columns["c"] = col("a")


def test_a_table_is_frozen_and_knows_its_line():
    table = Events("t", source=SOURCE)
    with pytest.raises(AttributeError, match="immutable"):
        table.name = "u"
    assert table.location.file == __file__
    assert table.location.line == test_a_table_is_frozen_and_knows_its_line.__code__.co_firstlineno + 1


@pytest.mark.parametrize("name", ["", "1t", "a b", "a-b", "_t", "größe"])
def test_a_name_is_a_plain_word(name):
    with pytest.raises(InvalidOption, match="a table's name cannot be") as raised:
        Events(name, source=SOURCE)
    assert "letters, digits and underscores" in raised.value.remedy
    assert raised.value.location.file == __file__


def test_an_unknown_type_lists_the_types():
    with pytest.raises(UnknownName, match="table 't', column 'a': there is no type 'integer'") as raised:
        Events("t", source=SOURCE, types={"a": "integer"})
    assert "Did you mean 'int'? Valid: " in raised.value.remedy


def test_known_needs_time():
    with pytest.raises(SpecError, match="but not when they happen") as raised:
        Events("t", source=SOURCE, known="seen")
    assert "time=" in raised.value.remedy


def test_a_rule_stands_once():
    with pytest.raises(SpecError, match=r"expects not_null\(a\) twice"):
        Events("t", source=SOURCE, expect=[not_null("a"), not_null("a")])


@pytest.mark.parametrize(
    ("known", "row", "column"),
    [
        (None, "time", "time"), ("seen", "seen", "seen"), ("ingested", "ingested", "ingested"), ({"x": "x_seen"}, "time", "x_seen"),
        ({"*": "seen", "x": "ingested"}, "seen", "ingested"), ({"*": "seen"}, "seen", "seen"),
    ],
)  # fmt: skip
def test_when_a_row_and_a_column_became_known(known, row, column):
    table = Events("t", source=SOURCE, time="time", known=known)
    assert table.row_known == row
    assert table.column_known("x") == column
    assert table.column_known("y") == row


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"deleted": "gone"}, InvalidOption, "deleted= of 'e' cannot be 'gone'"),
        ({"deleted": latest(Entity("f", source=SOURCE, key="k"), "x", by="k")}, InvalidOption, "deleted= of 'e' cannot be 'latest"),
        ({"deleted": col("p") == "x", "personal": {"p": Pseudonym()}}, SpecError, "reads the personal column 'p'"),
        ({"deleted": col("gone"), "time": "at", "known": {"x": "seen"}}, SpecError, "when its deletes are known is not clear"),
    ],
)
def test_what_says_that_a_thing_is_gone(options, error, said):
    with pytest.raises(error, match=said) as raised:
        Entity("e", source=SOURCE, key="k", **options)
    assert raised.value.remedy


def test_deletes_may_be_known_as_whole_rows_are():
    Entity("e", source=SOURCE, key="k", time="at", known={"*": "seen"}, deleted=col("gone") & ~col("back"))


def test_an_entity_without_time_was_always_known():
    entity = Entity("e", source=SOURCE, key="k")
    assert entity.key == ("k",)
    assert entity.row_known is None
    assert entity.column_known("x") is None


def test_an_entity_has_a_key():
    with pytest.raises(InvalidOption, match="the key of 'e'"):
        Entity("e", source=SOURCE, key=[])


def test_a_derived_table_has_inputs():
    events = Events("t", source=SOURCE)
    assert Derived("d", inputs=[events], build=lambda t: t).parents == (events,)
    with pytest.raises(InvalidOption, match="the inputs of 'd'"):
        Derived("d", inputs=[], build=lambda: None)


def test_durations_may_be_none():
    assert duration_or_none(None) is None
    assert duration_or_none("2h") == timedelta(hours=2)
