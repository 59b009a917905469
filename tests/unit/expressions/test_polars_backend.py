"""The Polars expressions: dtypes, broadcasting, lazy frames."""

from datetime import UTC, datetime

import polars as pl
import pytest

from headrace.expressions import DType, Udf, col, lit, udf
from headrace.expressions.errors import ExpressionTypeError, UdfError
from headrace.expressions.polars_backend import POLARS_TYPES, to_polars
from headrace.expressions.polars_backend.compile import Compiler
from headrace.expressions.polars_backend.patterns import rust_pattern

SCHEMA = {"n": DType.INT, "x": DType.FLOAT, "text": DType.STRING, "at": DType.DATETIME}
FRAME = pl.DataFrame(
    {"n": [1, 2, None], "x": [6.0, None, 0.3], "text": ["a", "É", None], "at": [datetime(2013, 1, 1, tzinfo=UTC)] * 3},
    schema={name: POLARS_TYPES[kind] for name, kind in SCHEMA.items()},
)


def test_works_in_eager_lazy_and_streaming_frames_and_in_filters():
    expr = to_polars(col("x") / 10 + col("n"), SCHEMA)
    expected = [6.0 / 10 + 1, None, None]
    assert FRAME.select(a=expr)["a"].to_list() == expected
    assert FRAME.lazy().select(a=expr).collect()["a"].to_list() == expected
    assert FRAME.lazy().with_columns(a=expr).collect(engine="streaming")["a"].to_list() == expected
    assert FRAME.lazy().filter(to_polars(col("text").lower() == "é", SCHEMA)).collect().height == 1


@pytest.mark.parametrize("tz", ["America/New_York", "Australia/Lord_Howe", "Africa/Monrovia"])
def test_a_zones_clock_is_the_same_for_many_moments_as_for_few(tz):
    # Many in few hours are asked about by the hour; Monrovia put its clocks on by 44 minutes and a half, within an hour, in January 1972.
    moments = pl.datetime_range(datetime(1972, 1, 1, tzinfo=UTC), datetime(1973, 1, 1, tzinfo=UTC), "7m13s", eager=True)
    many = pl.DataFrame({"at": moments}).select(a=to_polars(col("at").hour(tz), SCHEMA), b=to_polars(col("at").minute(tz), SCHEMA))
    local = moments.dt.convert_time_zone(tz)
    assert many["a"].equals(local.dt.hour().cast(pl.Int64))
    assert many["b"].equals(local.dt.minute().cast(pl.Int64))


def test_what_expressions_share_is_computed_once():
    compiler, local = Compiler(SCHEMA), (col("at").hour("America/New_York"), col("at").weekday("America/New_York"))
    assert FRAME.lazy().select(a=compiler.compile(local[0]), b=compiler.compile(local[1])).explain().count("python_udf") == 1


def test_division_by_a_constant_is_exact():
    # Polars alone multiplies by the reciprocal: 6.0 * (1 / 10) is 0.6000000000000001
    assert FRAME.select(a=to_polars(col("x") / 10, SCHEMA))["a"][0] == 0.6


def test_empty_frames_and_frames_of_nulls_keep_their_types():
    exprs = [
        col("text").lower(),
        col("text").hash_bucket(9),
        col("x") / 3,
        col("text").parse_datetime("%d %b %Y"),
        udf(len, "int", col("text")),
    ]
    for expr in exprs:
        built = to_polars(expr, SCHEMA)
        assert FRAME.clear().select(a=built)["a"].len() == 0
        assert FRAME.clear().select(a=built).schema == FRAME.head(1).select(a=built).schema
    nothing = FRAME.with_columns(text=pl.lit(None, pl.String))
    for expr in exprs[:4]:
        assert nothing.select(a=to_polars(expr, SCHEMA))["a"].null_count() in (3, 1)


def test_a_constant_is_one_value_that_broadcasts():
    assert FRAME.with_columns(a=to_polars(lit(1) + 2, SCHEMA))["a"].to_list() == [3, 3, 3]
    assert FRAME.with_columns(a=to_polars(lit(None).cast("float"), SCHEMA)).schema["a"] == pl.Float64


def test_an_unresolved_function_and_a_type_error_are_refused():
    with pytest.raises(UdfError, match="known by name only"):
        to_polars(Udf(None, "m:f", DType.INT, (col("n"),)), SCHEMA)
    with pytest.raises(ExpressionTypeError):
        to_polars(col("n") + col("text"), SCHEMA)


@pytest.mark.parametrize("pattern", [r"[A-Z]{3}\d+", r"a|b*?", r"(?:x.y)+", r"[^\w]", r"\.", r"a{2,}", r"(a(b|c))?"])
def test_regular_patterns_run_in_rust(pattern):
    assert rust_pattern(pattern) is not None


@pytest.mark.parametrize(
    "pattern", [r"(?i)a", r"(a)\1", r"\bword", r"^a$", r"(?=a)", r"a{500}", r"\D", r"[\W]", r"a++", r"(?>a)", r"(?-i:a)x|(?i:b)", "\ud800"]
)
def test_other_patterns_are_left_to_python(pattern):
    assert rust_pattern(pattern) is None
