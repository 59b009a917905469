"""The law of the expression language: Polars and generated Python give the same, edge values included; JSON changes nothing.

HEADRACE_EXAMPLES multiplies the number of examples.
"""

import functools
import json
import math
import os
import struct
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from headrace.expressions import (
    DType,
    Expr,
    Udf,
    coalesce,
    col,
    concat,
    datetime_of,
    days_of,
    from_json,
    haversine_km,
    hours_of,
    infer,
    lit,
    max_of,
    min_of,
    minutes_of,
    seconds_of,
    udf,
    when,
)
from headrace.expressions.polars_backend import POLARS_TYPES, to_polars
from headrace.expressions.python_backend import compile_row

SCALE = float(os.environ.get("HEADRACE_EXAMPLES", "1"))
SCHEMA = {
    "flag": DType.BOOL, "other flag": DType.BOOL, "n": DType.INT, "class": DType.INT, "x": DType.FLOAT, 'y"\n\'{0}': DType.FLOAT,
    "text": DType.STRING,
    "étiquette": DType.STRING, "at": DType.DATETIME, "since": DType.DATETIME, "span": DType.DURATION, "gap": DType.DURATION,
}  # fmt: skip
ZONES = ("UTC", "America/New_York", "Europe/Paris", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "America/St_Johns")
FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%FT%T",
    "%d/%m/%Y %H:%M",
    "%Y%m%d",
    "%d %b %Y %I:%M %p",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%j",
    "%m-%d-%y",
)
PATTERNS = (
    r"[A-Z]{2}\d+",
    r"a.*b|c?",
    r"\w+\s*\w*",
    r"(?i)straße",
    r"[^a-z]+",
    r"\d{3}-\d{4}",
    r"a{2,}",
    r"(ab)*?c+",
    r"\bword\b",
    r"(?:x|y)?[é-ü]*",
    r"a$",
    r"",
)

MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC), datetime(2013, 3, 10, 6, 59, 59, tzinfo=UTC), datetime(2013, 3, 10, 7, tzinfo=UTC),
    datetime(2013, 11, 3, 5, 30, tzinfo=UTC), datetime(2013, 11, 3, 6, 30, tzinfo=UTC), datetime(2024, 2, 29, 12, tzinfo=UTC),
    datetime(2150, 7, 1, tzinfo=UTC), datetime(1883, 11, 18, 17, tzinfo=UTC), datetime(2021, 3, 28, 1, tzinfo=UTC),
    datetime(2011, 12, 30, 12, tzinfo=UTC),
]  # fmt: skip
TEXTS = [
    "", " ", "a", "ab", "AB12", "Straße", "ΑΣ", "İi", "ﬁ", "\x1c x \x85", "\u2003é\t", "𝒳y", "e\u0301", "12", "-7", "+3.5e2", "1e400",
    ".5", "5.", "nan", "-inf",
    "Infinity", "true", "false", "True", " 1", "9223372036854775807", "9223372036854775808", "١٢", "$1", "{0}", "2013-03-10",
    "2013-03-10 02:30:00",
    "2013-11-03 01:30:00", "2013-02-30", "2150-07-01T12:00:00", "1/2/2013 5:00", "20130310", "3 Mar 2013 12:05 am",
    "2013-03-10T02:30:00.25+05:30", "2013-366",
    "2012-366", "555-1234", "aab", "a\n", "0000-01-01", "0001-01-01", "9999-12-31 23:59:59", "2013-01-01 24:00:00",
    "2013-12-31 23:59:60", "02-03-13",
]  # fmt: skip

bools = st.booleans()
ints = st.one_of(
    st.integers(-20, 20), st.sampled_from([2**63 - 1, -(2**63), 2**53 + 1, 2013, 9999, 2**31]), st.integers(-(2**63), 2**63 - 1)
)
floats = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 0.3, 1e-5, 9.9e-6, 1e16, 1e300, -1e300, 5e-324, 2.0**63, -1.0, 710.0]),
    st.sampled_from([math.inf, -math.inf, math.nan]),
    st.floats(-1000, 1000), st.floats(),
)  # fmt: skip
texts = st.one_of(st.sampled_from(TEXTS), st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
moments = st.one_of(
    st.sampled_from(MOMENTS),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(timedelta(days=-25000), timedelta(days=25000)).map(lambda span: datetime(1970, 1, 1, tzinfo=UTC) + span),
)
durations = st.one_of(
    st.sampled_from([timedelta(0), timedelta(hours=2), timedelta(microseconds=-1)]),
    st.sampled_from([timedelta(microseconds=2**63 - 1), timedelta(microseconds=-(2**63))]),
    st.timedeltas(timedelta(days=-400), timedelta(days=400)), st.timedeltas(timedelta(days=-100_000_000), timedelta(days=100_000_000)),
)  # fmt: skip
VALUES = {
    DType.BOOL: bools, DType.INT: ints, DType.FLOAT: floats, DType.STRING: texts, DType.DATETIME: moments, DType.DURATION: durations,
}  # fmt: skip
row = st.fixed_dictionaries({name: st.one_of(VALUES[kind], VALUES[kind], VALUES[kind], st.none()) for name, kind in SCHEMA.items()})


def double(value):
    return None if value is None else value * 2.0


def describe(left, right):
    return None if left is None else f"{left!r:.5}|{right}"


@functools.cache
def tree(kind: DType, depth: int) -> st.SearchStrategy[Expr]:
    """Expressions of a type, up to a depth."""
    names = [name for name, dtype in SCHEMA.items() if dtype is kind]
    nothing = VALUES[kind].map(lambda value: when(False).then(value).otherwise(None))
    leaf = st.one_of(st.sampled_from(names).map(col), st.sampled_from(names).map(col), VALUES[kind].map(lit), nothing)
    if depth == 0:
        return leaf
    return st.one_of(leaf, st.deferred(lambda: st.one_of(*GROWN[kind](depth - 1), *shared(kind, depth - 1))))


def built(function, *parts):
    return st.tuples(*parts).map(lambda values: function(*values))


def shared(kind: DType, depth: int):
    """Operations that every type has."""
    own = tree(kind, depth)
    condition = tree(DType.BOOL, depth)
    yield built(lambda a, b: a.fill_null(b), own, own)
    yield built(lambda a, b, c: coalesce(a, b, c), own, own, own)
    yield built(lambda c, a, b: when(c).then(a).otherwise(b), condition, own, own)
    yield built(lambda c, a, d, b: when(c).then(a).when(d).then(b).otherwise(None), condition, own, condition, own)
    if kind is not DType.BOOL:
        yield built(lambda a, b, c: max_of(a, b, c), own, own, own)
        yield built(lambda a, b: min_of(a, b), own, own)


def grown_bool(depth: int):
    own = tree(DType.BOOL, depth)
    yield built(lambda a, b: a & b, own, own)
    yield built(lambda a, b: a | b, own, own)
    yield own.map(lambda a: ~a)
    for kind, values in VALUES.items():
        operand = tree(kind, depth)
        for compare in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
            yield built(lambda a, b, compare=compare: getattr(a, compare)(b), operand, operand)
        yield operand.map(lambda a: a.is_null())
        yield operand.map(lambda a: a.is_not_null())
        yield built(lambda a, b: a.is_in(b), operand, st.lists(st.one_of(values, st.none()), max_size=3))
        yield built(lambda a, b, c: a.is_between(b, c), operand, operand, operand)
    yield tree(DType.FLOAT, depth).map(lambda a: a.is_nan())
    for kind in (DType.INT, DType.FLOAT, DType.STRING):
        yield tree(kind, depth).map(lambda a: a.cast("bool"))
    text = tree(DType.STRING, depth)
    for search in ("contains", "starts_with", "ends_with"):
        yield built(lambda a, b, search=search: getattr(a, search)(b), text, text)
    yield built(lambda a, p: a.matches(p), text, st.sampled_from(PATTERNS))


def grown_int(depth: int):
    own, flag, moment, text = tree(DType.INT, depth), tree(DType.BOOL, depth), tree(DType.DATETIME, depth), tree(DType.STRING, depth)
    yield built(lambda a, b: a + b, own, own)
    yield built(lambda a, b: a - b, own, own)
    yield built(lambda a, b: a * b, own, own)
    yield built(lambda a, b: a // b, own, own)
    yield built(lambda a, b: a % b, own, own)
    yield built(lambda a, b: a + b, flag, own)
    yield own.map(lambda a: -a)
    yield own.map(lambda a: a.abs())
    yield own.map(lambda a: a.round().floor().ceil())
    yield built(lambda a, b: a.clip(min(b), max(b)), own, st.tuples(ints, ints))
    yield built(lambda a, b: a.clip(low=b), own, ints)
    for kind in (DType.BOOL, DType.FLOAT, DType.STRING):
        yield tree(kind, depth).map(lambda a: a.cast("int"))
    for part in ("year", "month", "day", "hour", "minute", "second", "weekday", "day_of_year"):
        yield built(lambda a, z, part=part: getattr(a, part)(tz=z), moment, st.sampled_from(ZONES))
    yield text.map(lambda a: a.len_chars())
    for kind in (DType.STRING, DType.INT, DType.BOOL):
        yield built(lambda a, n, s: a.hash_bucket(n, s), tree(kind, depth), st.integers(1, 2**40), st.integers(0, 3))


def grown_float(depth: int):
    own, number, span = tree(DType.FLOAT, depth), st.one_of(tree(DType.INT, depth), tree(DType.FLOAT, depth)), tree(DType.DURATION, depth)
    yield built(lambda a, b: a + b, own, number)
    yield built(lambda a, b: a - b, own, number)
    yield built(lambda a, b: a * b, own, number)
    yield built(lambda a, b: a / b, number, number)
    yield built(lambda a, b: a // b, own, number)
    yield built(lambda a, b: a % b, own, number)
    yield built(lambda a, b: a**b, number, st.one_of(number, st.sampled_from([lit(2), lit(3), lit(0.5), lit(-1), lit(1.7), lit(4)])))
    yield own.map(lambda a: -a)
    for name in ("abs", "sqrt", "exp", "log", "log1p", "sin", "cos", "floor", "ceil"):
        yield own.map(lambda a, name=name: getattr(a, name)())
    yield built(lambda a, d: a.round(d), own, st.integers(0, 15))
    yield built(lambda a, b: a.log(b), number, st.sampled_from([2, 10, 1.5]))
    yield built(lambda a, b: a.clip(min(b), max(b)), own, st.tuples(st.floats(-100, 100), st.floats(-100, 100)))
    yield built(lambda a, b: a.clip(high=b), own, st.floats(-100, 100))
    yield built(lambda a, p: a.cyclic_sin(p), number, st.sampled_from([24, 7, 365.25]))
    yield built(lambda a, p: a.cyclic_cos(p), number, st.sampled_from([24, 7, 365.25]))
    for kind in (DType.BOOL, DType.INT, DType.STRING):
        yield tree(kind, depth).map(lambda a: a.cast("float"))
    for name in ("total_seconds", "total_minutes", "total_hours"):
        yield span.map(lambda a, name=name: getattr(a, name)())
    yield built(lambda a, b: a / b, span, span)
    yield built(haversine_km, own, own, own, own)
    yield own.map(lambda a: udf(double, "float", a))


def grown_string(depth: int):
    own = tree(DType.STRING, depth)
    yield built(lambda a, b: a + b, own, own)
    yield built(lambda a, b, c: concat(a, b, c), own, own, own)
    for name in ("lower", "upper", "strip"):
        yield own.map(lambda a, name=name: getattr(a, name)())
    yield built(
        lambda a, o, n: a.replace_all(o, n), own, st.sampled_from(["a", "ab", "$", "é", "."]), st.sampled_from(["", "$1", "é", "\\0"])
    )
    yield built(lambda a, o, n: a.slice(o, n), own, st.integers(-6, 6), st.one_of(st.none(), st.integers(0, 6)))
    for kind in (DType.BOOL, DType.INT, DType.FLOAT):
        yield tree(kind, depth).map(lambda a: a.cast("string"))
    yield built(lambda a, b: udf(describe, DType.STRING, a, b), own, tree(DType.INT, depth))


def grown_datetime(depth: int):
    own, span, text = tree(DType.DATETIME, depth), tree(DType.DURATION, depth), tree(DType.STRING, depth)
    yield built(lambda a, b: a + b, own, span)
    yield built(lambda a, b: b + a, own, span)
    yield built(lambda a, b: a - b, own, span)
    yield built(lambda a, e: a.truncate(e), own, st.sampled_from(["1d", "1w", "2w", "1h", "15m", "7us", "90m", "5d"]))
    yield built(lambda a, f, z: a.parse_datetime(f, tz=z), text, st.sampled_from(FORMATS), st.sampled_from(ZONES))
    small = st.one_of(tree(DType.INT, depth), st.integers(-1, 62).map(lit))
    year = st.one_of(st.integers(0, 10000).map(lit), st.sampled_from([2013, 2024, 2150, 1900]).map(lit), tree(DType.INT, depth))
    yield built(lambda y, m, d, h, i, z: datetime_of(y, m, d, h, i, tz=z), year, small, small, small, small, st.sampled_from(ZONES))


def grown_duration(depth: int):
    own, moment, whole = tree(DType.DURATION, depth), tree(DType.DATETIME, depth), tree(DType.INT, depth)
    yield built(lambda a, b: a + b, own, own)
    yield built(lambda a, b: a - b, own, own)
    yield built(lambda a, b: a - b, moment, moment)
    yield built(lambda a, b: a * b, own, whole)
    yield built(lambda a, b: b * a, own, whole)
    yield own.map(lambda a: -a)
    yield own.map(lambda a: a.abs())
    for unit in (days_of, hours_of, minutes_of, seconds_of):
        yield st.one_of(whole, tree(DType.FLOAT, depth)).map(unit)


GROWN = {
    DType.BOOL: grown_bool, DType.INT: grown_int, DType.FLOAT: grown_float, DType.STRING: grown_string, DType.DATETIME: grown_datetime,
    DType.DURATION: grown_duration,
}  # fmt: skip
trees = st.sampled_from(list(GROWN)).flatmap(lambda kind: tree(kind, 3))


def bits(value):
    """A value such that equal means: same type and same bits, or both NaN."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack("<d", value)
    return type(value), value


def profile(examples: int):
    return settings(max_examples=int(examples * SCALE), deadline=None, suppress_health_check=list(HealthCheck))


def frame_of(rows):
    return pl.DataFrame(
        {name: [each[name] for each in rows] for name in SCHEMA}, schema={name: POLARS_TYPES[kind] for name, kind in SCHEMA.items()}
    )


def evaluate(expr, rows):
    """The Polars values and dtype, and the Python values."""
    series = frame_of(rows).select(frame_of(rows).columns[0], answer=to_polars(expr, SCHEMA)).get_column("answer")
    compiled = compile_row({"answer": expr}, SCHEMA)
    note(compiled.source)
    return series, [compiled(each)["answer"] for each in rows]


@profile(300)
@given(trees, st.lists(row, min_size=2, max_size=5))
def test_polars_and_python_give_the_same_bits(expr, rows):
    series, values = evaluate(expr, rows)
    assert series.dtype == POLARS_TYPES[infer(expr, SCHEMA)]
    assert [bits(value) for value in series.to_list()] == [bits(value) for value in values]


@profile(60)
@given(trees, st.lists(row, min_size=2, max_size=3))
def test_json_changes_nothing(expr, rows):
    written = json.dumps(expr.to_json(), allow_nan=False)
    unresolved = from_json(json.loads(written))
    functions = {node.name: node.function for node in expr.walk() if isinstance(node, Udf)}
    again = unresolved.substitute(lambda node: udf(functions[node.name], node.returns, *node.arguments) if isinstance(node, Udf) else None)
    assert json.dumps(unresolved.to_json(), allow_nan=False) == written
    assert json.dumps(again.to_json(), allow_nan=False) == written
    assert str(again) == str(expr)
    assert [bits(value) for value in evaluate(again, rows)[1]] == [bits(value) for value in evaluate(expr, rows)[1]]


@profile(40)
@given(st.lists(trees, min_size=2, max_size=6), row)
def test_expressions_compiled_together_give_what_each_gives_alone(exprs, values):
    named = {f"feature {number}": expr for number, expr in enumerate(exprs)}
    together = compile_row(named, SCHEMA)(values)
    assert list(together) == list(named)
    assert [bits(value) for value in together.values()] == [bits(compile_row({"a": expr}, SCHEMA)(values)["a"]) for expr in exprs]
