from datetime import timedelta

import pytest

import headrace as hr
from headrace.spec.errors import InvalidOption


def test_durations_are_read_and_none_is_for_ever():
    rules = hr.Retention(versions="2w", models=None, predictions=timedelta(days=365))

    assert (rules.of("versions"), rules.of("models")) == (timedelta(days=14), None)
    assert (rules.of("predictions"), rules.of("landings")) == (timedelta(days=365), None)


def test_by_default_nothing_goes_that_a_prediction_needs():
    assert hr.Retention().of("predictions") is None


@pytest.mark.parametrize("wrong", ["soon", "0d", 30, "-1d"])
def test_what_is_no_duration_is_refused_where_it_was_written(wrong):
    with pytest.raises(InvalidOption, match=r"versions of Retention\(\)") as caught:
        hr.Retention(versions=wrong)
    assert "test_retention.py" in str(caught.value)
    with pytest.raises(InvalidOption, match="keep_versions of 'orders'"):
        hr.Events("orders", source=hr.File("orders.csv"), keep_versions=wrong)
