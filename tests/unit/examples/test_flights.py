"""The flights example on the whole of its real data: no record lost, every moment plausible, every column named there is there."""

import io
import runpy
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from headrace.spec.project import Project

PROJECT_FILE = Path(__file__).parents[3] / "examples" / "flights" / "project.py"


@pytest.fixture(scope="module")
def declared() -> dict[str, Any]:
    return runpy.run_path(str(PROJECT_FILE))


@pytest.fixture(scope="module")
def raw(declared: dict[str, Any]) -> dict[str, pl.DataFrame]:
    folder = declared["DATA"]
    packed = zipfile.ZipFile(folder / "flights.csv.zip").read("flights.csv")
    sources = {"records": io.BytesIO(packed), **{name: folder / f"{name}.csv" for name in ("weather", "planes", "airports", "airlines")}}
    return {name: pl.read_csv(source, null_values=["NA", ""], infer_schema_length=None) for name, source in sources.items()}


@pytest.fixture(scope="module")
def flights(declared: dict[str, Any], raw: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return declared["flights_in_utc"](*(raw[name].lazy() for name in ("records", "airports", "airlines"))).collect()


def test_every_record_is_a_flight_in_its_place(flights: pl.DataFrame, raw: dict[str, pl.DataFrame]) -> None:
    assert flights.height == 336_776
    assert flights.select("carrier", "flight", "dest").equals(raw["records"].select("carrier", "flight", "dest"))
    assert flights.select("carrier", "flight", "origin", "scheduled").n_unique() == flights.height
    assert flights.select("scheduled", "scheduled_arrival", "settled", "airline").null_count().sum_horizontal().item() == 0


def test_the_hour_agrees_with_the_records_own_utc_hour(flights: pl.DataFrame, raw: dict[str, pl.DataFrame]) -> None:
    hours = raw["records"]["time_hour"].str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC")
    assert (flights["scheduled"].dt.truncate("1h") == hours).all()


def test_the_cancelled_and_the_diverted_are_kept_and_have_no_target(flights: pl.DataFrame) -> None:
    assert (flights["cancelled"].sum(), flights["diverted"].sum()) == (8_255, 1_175)
    assert flights.filter(pl.col("cancelled") | pl.col("diverted"))["arr_delay"].null_count() == 9_430 == flights["arr_delay"].null_count()


def test_time_between_doors_is_air_time_and_a_plausible_time_on_the_ground(flights: pl.DataFrame) -> None:
    ground = flights.select((pl.col("arrived") - pl.col("departed")).dt.total_minutes() - pl.col("air_time")).to_series()
    assert ground.len() - ground.null_count() == 327_346
    assert (ground.min(), ground.max()) == (5, 235)


def test_nothing_is_known_before_it_happens(flights: pl.DataFrame) -> None:
    for known in ("departure_known", "arrived", "settled"):
        assert flights.filter(pl.col(known) < pl.col("scheduled")).is_empty()
    assert flights.filter(pl.col("departed") < pl.col("scheduled")).height == 183_575
    assert flights["departure_known"].is_null().equals(flights["departed"].is_null())


def test_weather_hours_are_utc(raw: dict[str, pl.DataFrame]) -> None:
    moment = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_zone="UTC").dt.convert_time_zone("America/New_York")
    local = raw["weather"].select(
        agrees=(moment.dt.hour() == pl.col("hour")) & (moment.dt.day() == pl.col("day")) & (moment.dt.month() == pl.col("month"))
    )
    assert local["agrees"].all()


def test_every_column_that_the_description_names_exists(
    declared: dict[str, Any], raw: dict[str, pl.DataFrame], flights: pl.DataFrame
) -> None:
    project: Project = declared["project"]
    columns = {name: set(frame.columns) for name, frame in raw.items()} | {"flights": set(flights.columns)}
    for table in project.tables():
        there = columns[table.name] | set(table.columns)
        known = table.known.values() if hasattr(table.known, "values") else [table.known]
        named = {*table.id, *table.personal, *table.types, *filter(None, [table.time, *known]), *getattr(table, "key", ())}
        assert named | {column for rule in table.expect for column in rule.columns} <= there
    features = project.models[0].features
    assert set(features.given) | project.models[0].target.columns() <= columns["flights"]
    for lookup in features.lookups():
        assert lookup.table_columns() <= columns[lookup.table.name] | set(lookup.table.columns)
