"""The generated function: its source, its safety, its order."""

import builtins
import math
import re
from datetime import UTC, datetime, timedelta

import pytest

from headrace.expressions import DType, coalesce, col, concat, haversine_km, lit, minutes_of, udf, when
from headrace.expressions.errors import UdfError
from headrace.expressions.python_backend import RowFunction, compile_row

SCHEMA = {"n": DType.INT, "x": DType.FLOAT, "text": DType.STRING, "at": DType.DATETIME, "flag": DType.BOOL}
ROW = {"n": 3, "x": 2.5, "text": "JFK", "at": datetime(2013, 1, 1, 10, 30, tzinfo=UTC), "flag": True}


def value(expr, **changes):
    return compile_row({"answer": expr}, SCHEMA)({**ROW, **changes})["answer"]


def test_values_come_by_name_in_order():
    compiled = compile_row({"b": col("n") + 1, "a": col("text").lower()}, SCHEMA)
    assert isinstance(compiled, RowFunction)
    assert list(compiled(ROW).items()) == [("b", 4), ("a", "jfk")]
    assert compiled.dtypes == {"b": DType.INT, "a": DType.STRING}


def test_what_is_shared_is_computed_once():
    calls = []
    slow = udf(lambda number: calls.append(number) or number, "float", col("x"))
    compiled = compile_row({"a": slow + 1, "b": (slow + 1) * slow}, SCHEMA)
    assert compiled(ROW) == {"a": 3.5, "b": 8.75}
    assert calls == [2.5]
    assert compile_row({"a": col("at").hour(), "b": col("at").hour() + 1}, SCHEMA).source.count(".hour") == 1
    assert compiled.source.count("row[") == 1


def test_constants_are_computed_once_when_compiled():
    source = compile_row({"a": col("x") + lit(2).sqrt() * 3}, SCHEMA).source
    assert "sqrt" not in source
    assert repr(math.sqrt(2) * 3) in source


@pytest.mark.parametrize("name", ['a"b', "a'b", "a\nb", "class", "row", "__import__('os')", "{0}", "\\", "none is None else 1", "c1", ""])
def test_no_name_or_text_reaches_the_source_unquoted(name, monkeypatch):
    monkeypatch.setattr(builtins, "injected", [], raising=False)
    schema = {name: DType.STRING}
    text = f"{name}'); injected.append(1) #"
    compiled = compile_row({name: concat(col(name), text), "b": col(name).is_in([text]), "c": col(name).replace_all(text, text)}, schema)
    assert compiled({name: "z"}) == {name: "z" + text, "b": False, "c": "z"}
    assert builtins.injected == []


def test_a_row_without_a_column_it_needs_is_an_error():
    with pytest.raises(KeyError, match="x"):
        compile_row({"a": col("x") + 1}, SCHEMA)({"n": 1})


def test_a_deep_tree_compiles():
    expr = col("n")
    for number in range(150):
        expr = (expr + number).abs()
    assert value(expr) == 3 + sum(range(150))


def test_haversine_of_two_airports():
    # JFK to LAX: 3,974 km by great circle
    assert value(haversine_km(40.639751, -73.778925, 33.942536, -118.408075)) == pytest.approx(3974.3, abs=0.5)
    assert value(haversine_km(0, 0, 0, 180)) == pytest.approx(math.pi * 6371.0088, rel=1e-12)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (col("n") / 0, math.inf), (-col("n") / 0, -math.inf), (col("n") // 0, None), (col("n") % 0, None), (-col("n") // 2, -2),
        (-col("n") % 2, 1),
        (col("n") * (2**63 - 1), 2**63 - 3), ((col("x") * 1000).exp(), math.inf), (col("x").round(), 2.0), ((-col("x")).round(), -2.0),
        ((col("x") + 1).round(), 4.0),
        (coalesce(None, col("x")), 2.5), (lit(None) & False, False), (lit(None) & True, None), (lit(None) | True, True),
        (col("flag") & (col("n") > 2), True),
        (col("text").slice(-2), "FK"), (col("text").slice(-5, 3), "J"), (col("at").hour(tz="America/New_York"), 5),
        (col("at").truncate("1w"), datetime(2012, 12, 31, tzinfo=UTC)),
        (col("at") + minutes_of(90), datetime(2013, 1, 1, 12, tzinfo=UTC)),
        (lit("2013-03-10 02:30:00").parse_datetime("%F %T", tz="America/New_York"), None),
        (lit("2013-11-03 01:30:00").parse_datetime("%F %T", tz="America/New_York"), datetime(2013, 11, 3, 5, 30, tzinfo=UTC)),
        (lit("3 Mar 2013 12:05 am").parse_datetime("%d %b %Y %I:%M %p"), datetime(2013, 3, 3, 0, 5, tzinfo=UTC)),
        (lit("2013-060").parse_datetime("%Y-%j"), datetime(2013, 3, 1, tzinfo=UTC)),
        (lit("2013-03-01T10:00:00.5+05:30").parse_datetime("%FT%T.%f%z"), datetime(2013, 3, 1, 4, 30, 0, 500000, tzinfo=UTC)),
        (lit("2013").parse_datetime("%Y"), datetime(2013, 1, 1, tzinfo=UTC)),
        (lit("12 pm 69-1-2").parse_datetime("%I %p %y-%m-%d"), datetime(1969, 1, 2, 12, tzinfo=UTC)),
        (lit("13 pm 69-1-2").parse_datetime("%I %p %y-%m-%d"), None), (lit("2013-01-01+24:00").parse_datetime("%F%z"), None),
        (lit("100% 2013").parse_datetime("100%% %Y"), datetime(2013, 1, 1, tzinfo=UTC)),
        (col("text").hash_bucket(1000), 210), (col("n").hash_bucket(1000), 608), (col("flag").hash_bucket(1000, seed=1), 33),
        (col("text").matches(r"[A-Z]{3}"), True),
        (when(None).then(1).otherwise(2), 2), (lit(None).is_null(), True), ((col("n") + 1).is_not_null(), True),
        (lit("x").is_null(), False), (lit("x").is_not_null(), True),
    ],
)  # fmt: skip
def test_meanings_at_the_edges(expr, expected):
    assert value(expr) == expected
    assert type(value(expr)) is type(expected)


def test_null_goes_through():
    names = ["n", "x", "text", "at", "flag"]
    compiled = compile_row({name: col(name).fill_null(None).is_null() for name in names}, SCHEMA)
    assert set(compiled(dict.fromkeys(names)).values()) == {True}
    assert value(col("n") + col("x"), n=None) is None


@pytest.mark.parametrize(
    ("returns", "result", "expected"),
    [
        ("float", 3, 3.0), ("int", 3, 3), ("string", "a", "a"), ("bool", True, True), ("duration", timedelta(1), timedelta(1)),
        ("int", None, None),
        ("datetime", datetime.fromisoformat("2013-01-01T00:00+01:00"), datetime(2012, 12, 31, 23, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_what_a_users_function_returns_is_made_the_promised_type(returns, result, expected):
    answer = value(udf(lambda number: result, returns, col("n")))
    assert (type(answer), answer) == (type(expected), expected)


@pytest.mark.parametrize(
    ("returns", "result"),
    [
        ("int", 1.5), ("int", True), ("float", "1"), ("string", 1), ("bool", 1), ("int", 2**63), ("duration", 3),
        ("datetime", datetime(2013, 1, 1)),  # noqa: DTZ001 - that is the mistake
    ],
)  # fmt: skip
def test_a_users_function_that_breaks_its_promise_is_named(returns, result):
    with pytest.raises(UdfError, match=re.escape(f"returned {result!r}")):
        value(udf(lambda number: result, returns, col("n")))


def test_what_a_users_function_raises_comes_through():
    with pytest.raises(ZeroDivisionError):
        value(udf(lambda number: 1 // 0, "int", col("n")))
