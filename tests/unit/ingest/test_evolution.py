"""A table following its source by rule."""

import polars as pl
import pytest

from headrace.expressions import DType, lit
from headrace.ingest.dialect import Dialect
from headrace.ingest.errors import ColumnProblem
from headrace.ingest.evolution import follow
from headrace.ingest.profile import profile_table
from headrace.ingest.raw import RawTable
from headrace.spec.evolve import Evolve
from headrace.spec.sources import File
from headrace.spec.tables import Events

TEXTS = frozenset({DType.BOOL, DType.INT, DType.FLOAT, DType.DATETIME})


def raw(*chunks):
    frames = [pl.DataFrame(chunk) for chunk in chunks]
    return RawTable(tuple(frames[0].columns), TEXTS, lambda: iter(frames))


def follows(source, pinned, dialect=None, table=None, **rules):
    table = table or Events("t", source=File("t.csv"), evolve=Evolve(**rules))
    found = follow(source, pinned, table, dialect or Dialect())
    rows = pl.concat(found.raw.chunks(), how="vertical_relaxed")
    assert tuple(rows.columns) == found.raw.names
    return rows, found.pinned, {each.rule: each.detail for each in found.results}


def test_the_first_time_everything_is_taken():
    rows, pinned, said = follows(raw({"a": ["1"], "b": ["x"]}), None, add="refuse")
    assert (rows.columns, pinned, said) == (["a", "b"], {}, {})


def test_a_new_column_is_taken_left_out_or_refused():
    source, pinned = raw({"a": ["1"], "b": ["x"]}), {"a": DType.INT}

    rows, _, said = follows(source, pinned)
    assert (rows.columns, list(said)) == (["a", "b"], ["b is new"])
    rows, _, said = follows(source, pinned, add="ignore")
    assert (rows.columns, list(said)) == (["a"], ["b is left out"])
    with pytest.raises(ColumnProblem, match="new columns: 'b'") as caught:
        follows(source, pinned, add="refuse")
    assert 'add="accept"' in caught.value.remedy
    assert caught.value.location.file == __file__


def test_a_column_that_had_no_value_is_not_new():
    rows, pinned, said = follows(raw({"a": ["1"], "b": ["x"]}), {"a": DType.INT, "b": DType.NULL}, add="refuse")
    assert (rows.columns, pinned, said) == (["a", "b"], {"a": DType.INT}, {})


def test_a_column_that_is_gone_stays_and_is_null_if_the_rule_says_so():
    source, pinned = raw({"a": ["1", "2"]}), {"a": DType.INT, "b": DType.FLOAT}

    rows, found, said = follows(source, pinned, remove="null")
    assert rows.to_dict(as_series=False) == {"a": ["1", "2"], "b": [None, None]}
    assert (found, list(said)) == (pinned, ["b is gone"])
    with pytest.raises(ColumnProblem, match="no column 'b', which the contract pins as float") as caught:
        follows(source, pinned)
    assert 'evolve=hr.Evolve(remove="null")' in caught.value.remedy
    made = Events("t", source=File("t.csv"), columns={"b": lit(1)}, evolve=Evolve(remove="null"))
    assert follows(source, pinned, table=made)[2] == {}


def test_old_files_and_new_ones_are_read_alike():
    rules = {"rename": {"dep": "departed", "leaves": "departed"}}
    pinned = {"id": DType.INT, "dep": DType.FLOAT}

    for name in ("dep", "leaves", "departed"):
        rows, found, said = follows(raw({name: ["1.5"], "id": ["1"]}), pinned, **rules)
        assert rows.to_dict(as_series=False) == {"departed": ["1.5"], "id": ["1"]}
        assert found == {"id": DType.INT, "departed": DType.FLOAT}
        assert list(said) == [*([f"{name} is called departed"] if name != "departed" else []), "departed was called dep"]
    both = raw({"dep": ["1", None, None], "id": ["1", "2", "3"], "departed": [None, "2", None]})
    rows, _, _ = follows(both, pinned, **rules)
    assert rows["departed"].to_list() == ["1", "2", None]


def test_a_row_that_has_a_column_under_both_names_is_refused():
    with pytest.raises(ColumnProblem, match="both in 'new' and under the old name"):
        follows(raw({"old": ["1"], "new": ["2"]}), None, rename={"old": "new"})


def test_whole_numbers_become_others_if_the_rule_says_so():
    source, pinned = raw({"a": ["1", "2", None]}, {"a": ["3", "n/a", "1.5", "2.5"]}), {"a": DType.INT}

    assert follows(source, pinned)[1:] == (pinned, {})
    _, found, said = follows(source, pinned, widen="accept")
    assert found == {"a": DType.FLOAT}
    assert said == {"a is float": "widened from int by evolve=: 2 values have decimals, the first in row 6"}
    with pytest.raises(ColumnProblem, match="was int, and has 2 values with decimals, the first in row 6"):
        follows(source, pinned, widen="refuse")


@pytest.mark.parametrize("values", [["1", "n/a"], ["1", "2.0"], [1, 2], [1.0, None], [True, False]])
def test_what_is_no_number_with_decimals_widens_nothing(values):
    assert follows(raw({"a": values}), {"a": DType.INT}, widen="accept")[1:] == ({"a": DType.INT}, {})


def test_typed_and_foreign_decimals_widen_too():
    assert follows(raw({"a": [1.0, 1.5]}), {"a": DType.INT}, widen="accept")[1] == {"a": DType.FLOAT}
    german = Dialect(decimal=",", thousands=".")
    assert follows(raw({"a": ["1.000", "1,5"]}), {"a": DType.INT}, german, widen="accept")[1] == {"a": DType.FLOAT}
    assert follows(raw({"a": ["1.000", "2.000"]}), {"a": DType.INT}, german, widen="accept")[1] == {"a": DType.INT}


def test_a_type_pinned_by_hand_is_never_widened():
    table = Events("t", source=File("t.csv"), types={"a": "int"}, evolve=Evolve(widen="accept"))
    assert follows(raw({"a": ["1.5"]}), {"a": DType.INT}, table=table)[1] == {"a": DType.INT}


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"price": ["10", "20"]}, "price"),
        ({"price": ["1000", "2000"]}, None),
        ({"price": ["x", "y"]}, None),
        ({"amounts": ["1000", "2000"]}, "amounts"),
        ({"price": ["10", "20"], "fee": ["11", "12"]}, None),
        ({"price": ["10", "20"], "amount_": ["11", "12"]}, "amount_"),
    ],
)
def test_a_column_that_is_called_otherwise_is_known_by_its_type_and_values(new, told):
    before = profile_table(pl.DataFrame({"id": [1, 2, 3], "amount": [5, 20, 40]}))
    table = Events("t", source=File("t.csv"))

    with pytest.raises(ColumnProblem, match="no column 'amount'") as caught:
        follow(raw({"id": ["1", "2"], **new}), {"id": DType.INT, "amount": DType.INT}, table, Dialect(), before)
    assert ("rename=" in caught.value.remedy) is (told is not None)
    if told:
        assert f"evolve=hr.Evolve(rename={{'amount': {told!r}}})" in caught.value.remedy


def test_texts_of_few_values_are_known_too():
    before = profile_table(pl.DataFrame({"town": ["a", "b", "a"]}))

    with pytest.raises(ColumnProblem) as caught:
        follow(raw({"place": ["b", "a"], "x": ["q", "r"]}), {"town": DType.STRING}, Events("t", source=File("t.csv")), Dialect(), before)
    assert "rename={'town': 'place'}" in caught.value.remedy
