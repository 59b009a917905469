from datetime import UTC, datetime

import polars as pl
import pytest

from headrace.core.pseudonyms import pseudonymise
from headrace.expressions import DType
from headrace.ingest.errors import BuildFailed, ColumnProblem, UnsupportedColumn
from headrace.spec.errors import SpecError
from headrace.spec.expectations import between
from headrace.spec.tables import Pseudonym

from .conftest import KEY, NOW

SALES = pl.DataFrame({"shop": ["b", "a", "b"], "paid": [2, 1, 3], "_arrival": [0, 1, 2], "_ingested": [NOW] * 3})


def by_shop(sales):
    return sales.group_by("shop").agg(pl.col("paid").sum(), pl.len().alias("count"), pl.col("_arrival").first())


def test_a_table_is_made_from_tables_and_held_to_its_contract(derive):
    found = derive(by_shop, SALES, id="shop", expect=[between("paid", 2, 10)])

    assert found.accepted.rows() == [("b", 5, 2, 1, NOW)]
    assert found.quarantined["_reason"].to_list() == ["between(paid, 2, 10)"]
    assert found.types == {"shop": DType.STRING, "paid": DType.INT, "count": DType.INT, "_arrival": DType.INT, "_ingested": DType.DATETIME}


def test_the_same_rows_in_another_order_are_the_same_table(derive):
    frame = pl.DataFrame({"at": [datetime(2013, 1, day, tzinfo=UTC) for day in (2, 1, 2, 1)], "a": [1, 2, None, 0]})

    one, other = derive(lambda _: frame.lazy(), SALES, time="at"), derive(lambda _: frame.reverse().lazy(), SALES, time="at")
    assert one.accepted.equals(other.accepted)
    assert one.accepted["at"].to_list() == [datetime(2013, 1, day, tzinfo=UTC) for day in (1, 1, 2, 2)]


def test_a_dataframe_will_do(derive):
    assert derive(lambda sales: sales.collect(), SALES).rows_in == 3


def test_an_error_of_the_function_names_its_line(derive):
    def broken(sales):
        raise KeyError("shop")

    with pytest.raises(
        BuildFailed, match=r"test_derived\.py:\d+: the function 'broken' that makes table 'made' failed: KeyError: 'shop'"
    ) as caught:
        derive(broken, SALES)
    assert caught.value.location.line == broken.__code__.co_firstlineno + 1
    assert "input_0" in caught.value.remedy


def test_an_error_inside_a_library_names_the_line_that_called_it(derive):
    def broken(sales):
        return sales.select(int)

    with pytest.raises(BuildFailed) as caught:
        derive(broken, SALES)
    assert caught.value.location.line == broken.__code__.co_firstlineno + 1


def test_an_error_at_collecting_names_the_function(derive):
    def broken(sales):
        return sales.select("nope")

    with pytest.raises(BuildFailed, match="ColumnNotFoundError") as caught:
        derive(broken, SALES)
    assert caught.value.location.line == broken.__code__.co_firstlineno


def test_an_error_of_the_description_comes_through_as_it_is(derive):
    def broken(sales):
        raise SpecError("mine")

    with pytest.raises(SpecError, match="mine"):
        derive(broken, SALES)


@pytest.mark.parametrize(("made", "said"), [(None, "it returned nothing"), (5, "it returned a int")])
def test_something_else_than_a_frame_is_explained(derive, made, said):
    with pytest.raises(BuildFailed, match=said):
        derive(lambda _: made, SALES)


def test_columns_that_tables_do_not_hold_are_named(derive):
    with pytest.raises(UnsupportedColumn, match="'paid'"):
        derive(lambda sales: sales.group_by("shop").agg("paid"), SALES)
    with pytest.raises(ColumnProblem, match="'at'"):
        derive(by_shop, SALES, time="at")


def test_types_are_held_to_those_before(derive):
    found = derive(lambda sales: sales.select(pl.col("paid") / 2), SALES, pinned={"paid": DType.INT})

    assert found.accepted["paid"].to_list() == [1]
    assert found.quarantined["_reason"].to_list() == [
        "column paid is '0.5', not a whole number",
        "column paid is '1.5', not a whole number",
    ]


def test_pseudonyms_of_the_inputs_stay_and_plain_values_do_not(derive):
    known = pseudonymise("ann", KEY)
    found = derive(lambda sales: sales.select(pl.Series("who", [known, "bob", None])), SALES, personal={"who": Pseudonym()})

    assert sorted(found.accepted["who"].drop_nulls()) == sorted([known, pseudonymise("bob", KEY)])
