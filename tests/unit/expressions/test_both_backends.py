"""Polars and generated Python on edge values: each operation on every pair of them, as columns and as literals on either side."""

import itertools
import math
import struct
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from headrace.expressions import (
    DType,
    Expr,
    coalesce,
    col,
    concat,
    datetime_of,
    days_of,
    haversine_km,
    hours_of,
    infer,
    lit,
    max_of,
    min_of,
    minutes_of,
    seconds_of,
    when,
)  # fmt: skip
from headrace.expressions.polars_backend import POLARS_TYPES, to_polars
from headrace.expressions.python_backend import compile_row

ZONES = (
    "America/New_York",
    "Europe/Paris",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Sao_Paulo",
)
FLOATS = [
    None, 0.0, -0.0, 0.3, -0.5, 0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 2.0, 3.0, 6.0, 7.0, 10.0, 0.1, 1e-5, 9.99e-6, 1e16, 1e15, 1e300, -1e300,
    5e-324, 710.0, -746.0,
    math.inf, -math.inf, math.nan, 2.0**63, -(2.0**63), 2.0**53, 123456.789, 2.675, 1.005, 0.49999999999999994, 4503599627370497.5,
]  # fmt: skip
INTS = [None, 0, 1, -1, 2, 3, -7, 7, 10, 12, 28, 31, 59, 2013, 2024, 9999, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), -(2**63) + 1]
BOOLS = [None, True, False]
TEXTS = [
    None, "", " ", "a", "ab", "abcdé", "Straße", "ΑΣ", "İi", "ﬁ", "\x1c x \x85", "\u2003é\t\ufeff", "𝒳y", "e\u0301", "1", "12", "-7",
    "+3.5e2", "1e400", ".5", "5.", ".",
    "nan", "-inf", "INFINITY", "+nan", "true", "false", "True", " 1", "1 ", "1_0", "-0", "-0.0", "9223372036854775807",
    "9223372036854775808", "-9223372036854775808",
    "0" * 30 + "7", "١٢", "$1", "{0}", "%", "1e5", "1E-5", "1e", "0x10", "\ua7dc", "\u019b", "Ǆ", "ŉ", "a\nb", "a\n",
]  # fmt: skip
CLOCKS = [
    None, "2013-03-10", "2013-03-10 02:30:00", "2013-11-03 01:30:00", "2013-02-30", "2150-07-01 12:00:00", "2013-1-2 5:00:00",
    "2013-12-31 23:59:60",
    "2013-01-01 24:00:00", "0000-01-01", "0001-01-01", "0001-01-01 00:00:00", "9999-12-31", "9999-12-31 23:59:59",
    "2013-03-31 02:30:00", "2013-10-27 02:30:00",
    "2011-12-30 10:00:00", " 2013-03-10", "2013-03-10 ", "2013-03-10  02:30:00", "13-03-10", "+2013-03-10", "2013-00-10", "2013-04-31",
    "2013-03-1٠",
    "2024-02-29", "2023-02-29", "10/03/2013 2:30", "3 Mar 2013 12:05 am", "2013-03-10T02:30:00.25+05:30", "2013-366", "2012-366",
    "20130310", "1999-12-31 00:60:00",
]  # fmt: skip
MOMENTS = [
    None, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC), datetime(2013, 3, 10, 6, 59, 59, tzinfo=UTC), datetime(2013, 3, 10, 7, tzinfo=UTC),
    datetime(2013, 11, 3, 6, 30, tzinfo=UTC),
    datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2150, 7, 1, tzinfo=UTC), datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2100, 1, 1, tzinfo=UTC),
    datetime(1883, 11, 18, 17, tzinfo=UTC), datetime(1, 1, 3, 5, tzinfo=UTC), datetime(9999, 12, 31, 12, tzinfo=UTC),
    datetime(2011, 12, 30, 12, tzinfo=UTC),
    datetime(2100, 3, 1, tzinfo=UTC), datetime(1900, 12, 31, tzinfo=UTC),
]  # fmt: skip
SPANS = [
    None, timedelta(0), timedelta(hours=2), timedelta(microseconds=2**63 - 1), timedelta(microseconds=-(2**63)),
    timedelta(microseconds=-1),
    timedelta(days=400, microseconds=3), timedelta(days=-3_652_058), timedelta(days=3_652_058), timedelta(days=100_000_000),
]  # fmt: skip

PARTS = ("year", "month", "day", "hour", "minute", "second", "weekday", "day_of_year")
UNARY = {
    DType.FLOAT: (FLOATS, [
        lambda a: -a, lambda a: a.abs(), lambda a: a.sqrt(), lambda a: a.exp(), lambda a: a.log(), lambda a: a.log(2),
        lambda a: a.log1p(), lambda a: a.sin(),
        lambda a: a.cos(), lambda a: a.floor(), lambda a: a.ceil(), lambda a: a.round(), lambda a: a.round(1), lambda a: a.round(2),
        lambda a: a.round(15),
        lambda a: a.clip(-1, 1), lambda a: a.clip(low=0.0), lambda a: a.clip(high=-0.0), lambda a: a.is_nan(), lambda a: a.is_null(),
        lambda a: a.is_not_null(),
        lambda a: a.cast("int"), lambda a: a.cast("bool"), lambda a: a.cast("string"), lambda a: a.fill_null(-0.0),
        lambda a: a.is_in([0, math.nan, None]),
        lambda a: a.is_in([1.5, math.inf]), lambda a: a.is_in([]), lambda a: a.cyclic_sin(24), lambda a: a.cyclic_cos(7), days_of,
        hours_of, minutes_of, seconds_of,
        lambda a: a**2, lambda a: a**3, lambda a: a**0.5, lambda a: a**-1, lambda a: a**4, lambda a: a**1.7,
        lambda a: a.is_between(0, math.nan),
        lambda a: when(a > 0).then(None).otherwise(None), lambda a: max_of(None, when(a > 0).then(None).otherwise(None)) == a,
        lambda a: a.is_null() | (a.fill_null(0) > 1), lambda a: a.is_null() & a.is_not_null(), lambda a: a + coalesce(None, None),
    ]),
    DType.INT: (INTS, [
        lambda a: -a, lambda a: a.abs(), lambda a: a.sqrt(), lambda a: a.round(3).floor().ceil(), lambda a: a.clip(-3, 5),
        lambda a: a.clip(high=0), lambda a: a.clip(0.5),
        lambda a: a.cast("float"), lambda a: a.cast("bool"), lambda a: a.cast("string"), lambda a: a.is_in([1, None, -7]),
        lambda a: a.is_in([1.0, 2.0**53]),
        lambda a: a.hash_bucket(17), lambda a: a.hash_bucket(2**62, 3), days_of, hours_of, minutes_of, seconds_of, lambda a: a.is_nan(),
        lambda a: a**2,
    ]),
    DType.BOOL: (BOOLS, [
        lambda a: ~a, lambda a: a.cast("int"), lambda a: a.cast("float"), lambda a: a.cast("string"), lambda a: a + a, lambda a: -a,
        lambda a: a * 2.5, lambda a: a / 2,
        lambda a: a.hash_bucket(5), lambda a: when(a).then(1).otherwise(2.5), lambda a: a.is_in([True]), lambda a: a.is_null(),
    ]),
    DType.STRING: (TEXTS, [
        lambda a: a.lower(), lambda a: a.upper(), lambda a: a.strip(), lambda a: a.len_chars(), lambda a: a.cast("int"),
        lambda a: a.cast("float"), lambda a: a.cast("bool"),
        lambda a: a.replace_all("a", "$0"), lambda a: a.replace_all("$", "é"), lambda a: a.hash_bucket(1000, 7),
        lambda a: a.is_in(["a", "", None]),
        *(lambda a, o=o, n=n: a.slice(o, n) for o, n in itertools.product((-9, -5, -2, 0, 1, 4, 9), (None, 0, 1, 3, 9))),
        *(lambda a, p=p: a.matches(p) for p in (
            r"\d+", r"\w*", r"\s*.*", r"a.b", r"a$", r"(?i)STRASSE|a", r"[^a]+", r"[a-é]*", r"(a|b)*", r"(a)\1?", r"a{0,2}b?", r"",
            r"\bab\b", r"-?\d{1,3}", r"[\w.+-]+", r"\D", r"a{200}",
            r"\S+", r"(?s:a.b)", r"(?=a)ab", r"^ab$", r"[^\W\d]+", r"(?P<x>a)(?:b)?", r"\.", r"a|", r"\$\d",
        )),
    ]),
    DType.DATETIME: (MOMENTS, [
        *(lambda a, part=part: getattr(a, part)() for part in PARTS),
        *(lambda a, part=part, z=z: getattr(a, part)(tz=z) for part in ("year", "hour", "minute", "day_of_year") for z in ZONES),
        *(lambda a, e=e: a.truncate(e) for e in ("1d", "1w", "2w", "1h", "15m", "7us", "90m", "5d", "400d")),
        lambda a: a.is_in([MOMENTS[1], MOMENTS[4]]),
    ]),
    DType.DURATION: (SPANS, [
        lambda a: -a, lambda a: a.abs(), lambda a: a.total_seconds(), lambda a: a.total_minutes(), lambda a: a.total_hours(),
        lambda a: a.is_in([timedelta(0)]),
    ]),
}  # fmt: skip
COMPARISONS = [
    lambda a, b: a == b, lambda a, b: a != b, lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a > b, lambda a, b: a >= b,
    lambda a, b: a.fill_null(b), lambda a, b: when(a == b).then(a).otherwise(b),
]  # fmt: skip
EXTREMES = [lambda a, b: max_of(a, b), lambda a, b: min_of(a, b), lambda a, b: max_of(b, None, a), lambda a, b: min_of(b, a, b)]
ARITHMETIC = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a // b,
    lambda a, b: a % b,
    lambda a, b: a**b,
]
BINARY = [
    (DType.FLOAT, FLOATS, DType.FLOAT, FLOATS, [*ARITHMETIC, *COMPARISONS, *EXTREMES]),
    (DType.INT, INTS, DType.INT, INTS, [*ARITHMETIC, *COMPARISONS, *EXTREMES]),
    (DType.INT, INTS, DType.FLOAT, FLOATS, [*ARITHMETIC, *COMPARISONS, *EXTREMES]),
    (DType.BOOL, BOOLS, DType.BOOL, BOOLS, [*COMPARISONS, lambda a, b: a & b, lambda a, b: a | b, lambda a, b: (a & ~b) | (b & ~a)]),
    (DType.STRING, TEXTS, DType.STRING, TEXTS, [
        *COMPARISONS, *EXTREMES, lambda a, b: a + b, lambda a, b: concat(a, "-", b), lambda a, b: a.contains(b), lambda a,
        b: a.starts_with(b), lambda a, b: a.ends_with(b),
    ]),
    (DType.DATETIME, MOMENTS, DType.DATETIME, MOMENTS, [*COMPARISONS, *EXTREMES, lambda a, b: a - b]),
    (DType.DATETIME, MOMENTS, DType.DURATION, SPANS, [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: b + a]),
    (DType.DURATION, SPANS, DType.DURATION, SPANS, [*COMPARISONS, *EXTREMES, lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a / b]),
    (DType.DURATION, SPANS, DType.INT, INTS, [lambda a, b: a * b, lambda a, b: b * a]),
    (DType.INT, INTS, DType.INT, INTS, [
        *(lambda a, b, z=z: datetime_of(a, b, 29, 2, 30, tz=z) for z in ("UTC", *ZONES)),
        *(lambda a, b, z=z: datetime_of(2013, a, b, 2, 30, tz=z) for z in ("UTC", *ZONES)), lambda a,
        b: datetime_of(2013, 3, 10, a, b, tz="America/New_York"),
    ]),
    (DType.FLOAT, FLOATS, DType.FLOAT, FLOATS, [lambda a, b: haversine_km(a, b, 40.64, -73.78), lambda a, b: haversine_km(40.64, a, b, a)]),
]  # fmt: skip
FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%F %T",
    "%d/%m/%Y %H:%M",
    "%d %b %Y %I:%M %p",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%j",
    "%Y%m%d",
    "%y-%m-%d",
]


def bits(value):
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack("<d", value)
    return type(value), value


def assert_same(expr: Expr, schema, rows):
    frame = pl.DataFrame(
        {name: [row[name] for row in rows] for name in schema}, schema={name: POLARS_TYPES[kind] for name, kind in schema.items()}
    )
    series = frame.with_columns(answer=to_polars(expr, schema)).get_column("answer")
    compiled = compile_row({"answer": expr}, schema)
    differences = [
        (row, polars, python)
        for row, polars in zip(rows, series.to_list(), strict=True)
        if bits(polars) != bits(python := compiled(row)["answer"])
    ]
    assert not differences, f"{expr}\n{compiled.source}\n{len(differences)}: {differences[:4]}"
    assert series.dtype == POLARS_TYPES[infer(expr, schema)]


@pytest.mark.parametrize("kind", UNARY)
def test_one_operand(kind):
    values, operations = UNARY[kind]
    for operation in operations:
        assert_same(operation(col("a")), {"a": kind}, [{"a": value} for value in values])


@pytest.mark.parametrize("case", range(len(BINARY)))
def test_two_operands(case):
    left, lefts, right, rights, operations = BINARY[case]
    rows = [{"a": a, "b": b} for a, b in itertools.product(lefts, rights)]
    for operation in operations:
        assert_same(operation(col("a"), col("b")), {"a": left, "b": right}, rows)


@pytest.mark.parametrize("operation", ARITHMETIC)
def test_a_frame_of_one_row_gives_the_same(operation):
    for a, b in itertools.product(FLOATS, [value for value in FLOATS if value is not None][::3]):
        assert_same(operation(col("a"), col("b")), {"a": DType.FLOAT, "b": DType.FLOAT}, [{"a": a, "b": b}])


@pytest.mark.parametrize("case", range(len(BINARY)))
def test_a_column_and_a_literal(case):
    left, lefts, right, rights, operations = BINARY[case]
    for operation in operations:
        for value in [value for value in rights if value is not None][:10]:
            assert_same(operation(col("a"), lit(value)), {"a": left}, [{"a": a} for a in lefts])
        for value in [value for value in lefts if value is not None][:10]:
            assert_same(operation(lit(value), col("b")), {"b": right}, [{"b": b} for b in rights])


@pytest.mark.parametrize("format", FORMATS)
def test_reading_of_moments(format):
    for zone in ("UTC", *ZONES):
        assert_same(col("a").parse_datetime(format, tz=zone), {"a": DType.STRING}, [{"a": text} for text in [*CLOCKS, *TEXTS]])


def test_every_half_hour_near_changes_of_clocks():
    step = timedelta(minutes=30)
    starts = [datetime(2013, month, day, tzinfo=UTC) for month, day in ((3, 9), (3, 30), (4, 6), (10, 5), (10, 26), (11, 2))]
    moments = [start + number * step for start in [*starts, datetime(2011, 12, 29, tzinfo=UTC)] for number in range(4 * 48)]
    texts = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in moments]
    for zone in ZONES:
        assert_same(col("a").hour(tz=zone) * 100 + col("a").minute(tz=zone), {"a": DType.DATETIME}, [{"a": moment} for moment in moments])
        assert_same(col("a").parse_datetime("%F %T", tz=zone), {"a": DType.STRING}, [{"a": text} for text in texts])
