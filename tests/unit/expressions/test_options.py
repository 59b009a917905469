"""Settings are checked where they are written."""

import pytest

from headrace.expressions import col, datetime_of, udf
from headrace.expressions.errors import ExpressionError
from headrace.expressions.tree import call

x = col("x")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: x.cast("datetime"), "dtype of cast.* cannot be 'datetime'"),
        (lambda: x.cast("integer"), "one of bool, int, float, string"),
        (lambda: x.hash_bucket(0), "n of hash_bucket"),
        (lambda: x.hash_bucket(True), "n of hash_bucket"),
        (lambda: x.hash_bucket(3, -1), "seed of hash_bucket"),
        (lambda: x.log(1), "base of log"),
        (lambda: x.log(-2), "base of log"),
        (lambda: x.round(-1), "decimals of round"),
        (lambda: x.round(16), "from 0 to 15"),
        (lambda: x.clip(), "at least one bound"),
        (lambda: x.clip(3, 1), "low <= high"),
        (lambda: x.clip(float("nan")), "low of clip"),
        (lambda: x.clip(10**400), "low of clip"),
        (lambda: x.cyclic_sin(0), "period of cyclic_sin"),
        (lambda: x.replace_all("", "a"), "not empty"),
        (lambda: x.slice(0, -1), "length of slice"),
        (lambda: x.matches("("), "pattern of matches"),
        (lambda: x.matches("a" * 3 + "{2,1}"), "pattern of matches"),
        (lambda: x.hour(tz="Paris"), 'such as "UTC" or "America/New_York"'),
        (lambda: x.hour(tz="../../etc/passwd"), "tz of hour"),
        (lambda: datetime_of(x, 1, 1, tz=""), "tz of datetime_of"),
        (lambda: x.truncate("100000d"), "hundred years"),
        (lambda: x.parse_datetime("%Q"), "unknown directive %Q"),
        (lambda: x.parse_datetime("%Y-%Y"), "%Y twice"),
        (lambda: x.parse_datetime("%H:%M"), "needs a year"),
        (lambda: x.parse_datetime("%Y %d"), "needs a year"),
        (lambda: x.parse_datetime("%F %I"), "%p just with %I"),
        (lambda: x.parse_datetime("%Y%"), "unknown directive %"),
        (lambda: x.parse_datetime(3), "format of parse_datetime"),
        (lambda: call("explode", x), "there is no operation 'explode'"),
        (lambda: call("add", x), r"add\(\) has 1 operand\."),
        (lambda: call("when", x, x), r"when\(\) has 2 operands"),
        (lambda: call("abs", x, power=2), "settings"),
        (lambda: call("duration_of", x, unit_us=5), "unit_us"),
        (lambda: udf(3, "int", x), "takes a function"),
        (lambda: udf(len, "number", x), "no type 'number'"),
        (lambda: udf(len, "null", x), "no type 'null'"),
    ],
)
def test_a_wrong_setting_is_refused_and_named(make, problem):
    with pytest.raises(ExpressionError, match=problem):
        make()


def test_a_choice_needs_its_otherwise():
    with pytest.raises(ExpressionError, match="at least 1"):
        call("coalesce")
