import polars as pl

from headrace.training import looks

ARRIVAL, TARGET = pl.Series([3, 1, 2]), pl.Series([True, False, None])


def test_the_order_of_the_rows_does_not_matter():
    again = looks.test_rows_fingerprint(ARRIVAL.reverse(), TARGET.reverse(), "flights")
    assert looks.test_rows_fingerprint(ARRIVAL, TARGET, "flights") == again


def test_other_rows_targets_or_tables_are_other_tests():
    kinds = {
        looks.test_rows_fingerprint(ARRIVAL, TARGET, "flights"),
        looks.test_rows_fingerprint(ARRIVAL + 1, TARGET, "flights"),
        looks.test_rows_fingerprint(ARRIVAL, ~TARGET, "flights"),
        looks.test_rows_fingerprint(ARRIVAL, TARGET, "weather"),
        looks.test_rows_fingerprint(ARRIVAL[:2], TARGET[:2], "flights"),
    }
    assert len(kinds) == 5
