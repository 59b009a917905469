"""Numbers, dates and times as other places write them; local times around the change of clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from headrace.expressions import DType
from headrace.ingest.column_types import convert
from headrace.ingest.dialect import Dialect, count_zoneless, dialect_of
from headrace.ingest.refusals import why_refused
from headrace.ingest.texts import infer_text, parse_text
from headrace.spec.sources import File, Source

ANY = frozenset({DType.BOOL, DType.INT, DType.FLOAT, DType.DATETIME})
GERMAN = Dialect(decimal=",", thousands=".")
NEW_YORK = Dialect(timezone="America/New_York")
BERLIN = Dialect(timezone="Europe/Berlin")


def texts(*values):
    return pl.Series("x", values, pl.String)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_source_says_its_dialect():
    source = File("x.csv", decimal=",", thousands=".", timezone="Europe/Berlin", ambiguous="latest", dates={"x": "%d.%m.%Y"})

    assert dialect_of(source) == Dialect(",", ".", "Europe/Berlin", "latest", "quarantine", {"x": ("%d.%m.%Y",)})
    assert dialect_of(File("x.csv")) == dialect_of(Source()) == dialect_of(None) == Dialect()


@pytest.mark.parametrize(
    ("dialect", "values", "parsed"),
    [
        (GERMAN, ("1.234.567,5", "1234,5", "-1.234", "0,5", "1,5e3"), [1234567.5, 1234.5, -1234.0, 0.5, 1500.0]),
        (GERMAN, ("1.5", "12.34,5", "1,234.5", "1.2345", ".5", "x"), [None] * 6),
        (Dialect(decimal=","), ("1,5", "1.5", "1,2,3"), [1.5, None, None]),
        (Dialect(thousands=","), ("1,234.5", "12,34,567", "1,23", "1234.5"), [1234.5, 1234567.0, None, 1234.5]),
        (Dialect(decimal=",", thousands=" "), ("1\u00a0234,5", "1\u202f234", "1 234 567", "1 2"), [1234.5, 1234.0, 1234567.0, None]),
        (Dialect(thousands="'"), ("1'234.5", "1’234"), [1234.5, 1234.0]),
        (Dialect(thousands="_"), ("1_234",), [1234.0]),
    ],
)
def test_numbers_are_read_as_their_marks_say_or_not_at_all(dialect, values, parsed):
    assert parse_text(texts(*values), DType.FLOAT, dialect).to_list() == parsed


def test_numbers_are_recognised_as_their_marks_say():
    assert infer_text(texts("1,5", "2"), ANY) is DType.STRING
    assert infer_text(texts("1,5", "2"), ANY, GERMAN) is DType.FLOAT
    assert infer_text(texts("1.234", "2"), ANY, GERMAN) is DType.INT
    assert infer_text(texts("1.234", "2"), ANY) is DType.FLOAT
    assert parse_text(texts("1.234"), DType.INT, GERMAN).to_list() == [1234]
    assert infer_text(texts("007", "1"), ANY, GERMAN) is DType.STRING


def test_dates_are_read_in_their_formats_and_in_iso():
    dialect = Dialect(formats={"*": ("%d.%m.%Y", "%d.%m.%Y %H:%M")})

    found = parse_text(texts("31.12.2024", "31.12.2024 18:30", "2024-12-31", "12/31/2024", "31.13.2024", None), DType.DATETIME, dialect)
    assert found.to_list() == [utc(2024, 12, 31), utc(2024, 12, 31, 18, 30), utc(2024, 12, 31), None, None, None]
    assert infer_text(texts("31.12.2024", "2024-12-31"), ANY, dialect) is DType.DATETIME
    assert infer_text(texts("31.12.2024", "soon"), ANY, dialect) is DType.STRING


def test_a_column_whose_formats_are_given_is_a_datetime_whatever_it_holds():
    dialect = Dialect(formats={"x": ("%d.%m.%Y",)})

    assert infer_text(texts("31.12.2024", "soon"), ANY, dialect) is DType.DATETIME
    assert infer_text(pl.Series("y", ["31.12.2024"]), ANY, dialect) is DType.STRING


def test_a_format_with_an_offset_needs_no_zone():
    dialect = Dialect(timezone="Europe/Berlin", formats={"*": ("%d.%m.%Y %H:%M %z",)})

    assert parse_text(texts("31.12.2024 12:00 +0500"), DType.DATETIME, dialect).to_list() == [utc(2024, 12, 31, 7)]


@pytest.mark.parametrize(
    ("dialect", "before", "gap", "overlap", "offsets"),
    [
        (NEW_YORK, "2024-03-10T01:59:59", "2024-03-10T02:30", "2024-11-03T01:30", (4, 5)),
        (BERLIN, "2024-03-31T01:59:59", "2024-03-31T02:30", "2024-10-27T02:30", (-2, -1)),
    ],
)
def test_the_change_of_clocks(dialect, before, gap, overlap, offsets):
    """In New York clocks skip 2:00-3:00 on 2024-03-10 and show 1:00-2:00 twice on 2024-11-03; in Berlin 03-31 and 2:00-3:00 on 10-27."""
    zone = ZoneInfo(dialect.timezone)

    assert parse_text(texts(before), DType.DATETIME, dialect).to_list() == [datetime.fromisoformat(before).replace(tzinfo=zone)]
    refused = parse_text(texts(gap, overlap, "noon"), DType.DATETIME, dialect)
    assert refused.to_list() == [None, None, None]
    skipped, twice, nonsense = why_refused(texts(gap, overlap, "noon"), DType.DATETIME, dialect)
    assert skipped == f"a time that clocks in {dialect.timezone} skip: it never was"
    assert twice == f"a time that clocks in {dialect.timezone} show twice: say which with ambiguous='earliest' or 'latest'"
    assert nonsense == "not a datetime"
    for choice, hours in zip(("earliest", "latest"), offsets, strict=True):
        chosen = Dialect(timezone=dialect.timezone, ambiguous=choice)
        expected = datetime.fromisoformat(overlap).replace(tzinfo=UTC) + timedelta(hours=hours)
        assert parse_text(texts(overlap), DType.DATETIME, chosen).to_list() == [expected]


def test_times_that_are_to_be_forgotten_are_no_failures():
    dialect = Dialect(timezone="America/New_York", ambiguous="null", nonexistent="null")

    values = texts("2024-03-10T02:30", "2024-11-03T01:30", "noon")
    assert parse_text(values, DType.DATETIME, dialect).to_list() == [None, None, None]
    assert why_refused(values, DType.DATETIME, dialect).to_list() == [None, None, "not a datetime"]


def test_a_day_begins_even_where_its_midnight_is_skipped_or_comes_twice():
    sao_paulo, havana = Dialect(timezone="America/Sao_Paulo"), Dialect(timezone="America/Havana")

    assert parse_text(texts("2018-11-04", "2018-11-05"), DType.DATETIME, sao_paulo).to_list() == [utc(2018, 11, 4, 3), utc(2018, 11, 5, 2)]
    assert parse_text(texts("2024-11-03"), DType.DATETIME, havana).to_list() == [utc(2024, 11, 3, 4)]
    assert convert(pl.Series("x", [date(2018, 11, 4)]), DType.DATETIME, sao_paulo).to_list() == [utc(2018, 11, 4, 3)]


def test_typed_times_without_a_zone_are_those_of_the_dialects():
    naive = pl.Series("x", [datetime(2024, 1, 1, 12), datetime(2024, 3, 10, 2, 30)])  # noqa: DTZ001 - naive on purpose

    assert convert(naive, DType.DATETIME, NEW_YORK).to_list() == [utc(2024, 1, 1, 17), None]
    assert why_refused(naive.tail(1), DType.DATETIME, NEW_YORK).to_list() == ["a time that clocks in America/New_York skip: it never was"]
    assert convert(naive.dt.replace_time_zone("UTC"), DType.DATETIME, NEW_YORK).to_list() == [utc(2024, 1, 1, 12), utc(2024, 3, 10, 2, 30)]


def test_an_offset_goes_before_the_zone():
    values = texts("2024-01-01T12:00Z", "2024-01-01T12:00+05:30", "2024-01-01T12:00-0100", "2024-01-01T12:00", "2024-01-01T12:00+25:00")

    expected = [utc(2024, 1, 1, 12), utc(2024, 1, 1, 6, 30), utc(2024, 1, 1, 13), utc(2024, 1, 1, 17), None]
    assert parse_text(values, DType.DATETIME, NEW_YORK).to_list() == expected


def test_moments_outside_the_years_1_to_9999_are_none():
    values = texts("9999-12-31T23:00", "0001-01-01T00:00+05:00", "9999-12-31T23:00Z")

    assert parse_text(values, DType.DATETIME, NEW_YORK).to_list() == [None, None, utc(9999, 12, 31, 23)]


def test_times_of_day_without_a_zone_are_counted():
    values = texts("2024-01-01T12:00", "2024-01-01 12:00:00.5", "2024-01-01T12:00Z", "2024-01-01", "noon", None, "31.12.2024 12:00")

    assert count_zoneless(values, Dialect()) == 2
    assert count_zoneless(values, Dialect(formats={"*": ("%d.%m.%Y %H:%M", "%d.%m.%Y")})) == 3


@pytest.mark.parametrize("kind", [DType.INT, DType.FLOAT, DType.BOOL, DType.DURATION, DType.DATETIME])
def test_a_value_of_another_type_is_said_to_be_none(kind):
    assert why_refused(texts("x", "y"), kind, Dialect()).n_unique() == 1
    assert why_refused(texts(), kind, NEW_YORK).to_list() == []
