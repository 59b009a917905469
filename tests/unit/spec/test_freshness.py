"""How old served features may be, as declared."""

from datetime import timedelta

import pytest

import headrace as hr
from headrace import col
from headrace.spec.errors import InvalidOption, UnknownName

EVENTS = hr.Events("events", source=hr.Replay(hr.File("e.csv")), time="at")
THINGS = hr.Entity("things", source=hr.Replay(hr.File("t.csv")), key="key")
PLACES = hr.Entity("places", source=hr.File("p.csv"), key="key")
VALUES = {
    "amount": col("amount"),
    "count": hr.window(EVENTS, hr.count(), by="key", over="1h"),
    "share": col("amount") / hr.latest(EVENTS, "amount", by="key"),
    "colour": hr.latest(THINGS, "colour", by="key"),
    "country": hr.latest(PLACES, "country", by="key"),
}


def features(**options):
    return hr.Features(spine=EVENTS, given=["key", "amount", "at"], as_of="at", values=VALUES, **options)


def test_one_limit_is_for_all_features_whose_age_is_known():
    assert features().staleness_limits() == {}
    ten = timedelta(minutes=10)
    assert features(max_staleness="10m").staleness_limits() == {"count": ten, "share": ten, "country": ten}
    assert features(max_staleness=ten).staleness_limits() == features(max_staleness="10m").staleness_limits()


def test_each_feature_may_have_its_own():
    found = features(max_staleness={"share": "1h", "country": timedelta(days=1)}).staleness_limits()
    assert found == {"share": timedelta(hours=1), "country": timedelta(days=1)}


@pytest.mark.parametrize(
    ("declared", "error", "told"),
    [
        ({"cuont": "1h"}, UnknownName, "Did you mean 'count'"),
        ({"amount": "1h"}, InvalidOption, "made of given values"),
        ({"colour": "1h"}, InvalidOption, "have no time="),
        ({"count": "soon"}, InvalidOption, "'count' cannot be 'soon'"),
        ("0s", InvalidOption, "above zero"),
        (600, InvalidOption, "a duration, such as '10m', or one for each"),
    ],
)
def test_what_is_no_limit_is_refused_with_the_reason(declared, error, told):
    with pytest.raises(error, match="max_staleness") as raised:
        features(max_staleness=declared)
    assert told in str(raised.value)


def test_a_limit_for_features_whose_age_nobody_knows_is_refused():
    with pytest.raises(InvalidOption, match="max_staleness"):
        hr.Features(spine=EVENTS, given=["key", "at"], as_of="at", values={"colour": VALUES["colour"]}, max_staleness="1h")


def test_what_is_done_is_one_of_three():
    assert features(when_stale="error").when_stale == "error"
    with pytest.raises(InvalidOption, match="when_stale") as raised:
        features(when_stale="refuse")
    assert "'last' or 'null' or 'error'" in str(raised.value)
