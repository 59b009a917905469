"""Files of other places, ingested."""

from datetime import UTC, datetime

import pytest

from headrace.expressions import DType
from headrace.ingest.requests import IngestRequest
from headrace.ingest.sources import open_source
from headrace.ingest.tables import ingest_table
from headrace.spec.sources import File
from headrace.spec.tables import Events

from .conftest import KEY, NOW, collected


@pytest.fixture
def messy(tmp_path):
    """Write a file, ingest it with the options of its source, and return the outcome."""

    def run(text, *, name="rows.csv", pinned=None, reading=None, **options):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        table = Events("rows", source=File(name, **(reading or {})), **options)
        return collected(
            ingest_table(
                IngestRequest(
                    table=table, raw=open_source(table.source, tmp_path), now=NOW, pseudonym_key=KEY, scratch=tmp_path, pinned=pinned
                )
            )
        )

    return run


def remarks(found):
    return {each.rule: each.detail for each in found.results if each.severity == "info"}


def test_a_file_of_another_place_is_read_as_its_options_say(messy):
    found = messy(
        "wann;umsatz;stück\n31.12.2024 18:30;1.234,50;1.000\n01.02.2024 06:00;0,5;-\n",
        reading={
            "separator": ";",
            "decimal": ",",
            "thousands": ".",
            "dates": "%d.%m.%Y %H:%M",
            "timezone": "Europe/Berlin",
            "null_values": "-",
        },
    )

    assert found.types["wann"], found.types["stück"] == (DType.DATETIME, DType.INT)
    assert found.accepted.drop("_arrival", "_ingested").rows() == [
        (datetime(2024, 12, 31, 17, 30, tzinfo=UTC), 1234.5, 1000),
        (datetime(2024, 2, 1, 5, tzinfo=UTC), 0.5, None),
    ]
    assert remarks(found) == {}


def test_times_without_a_zone_are_said_to_be_taken_for_utc(messy):
    text = "at,day,zoned\n2024-01-01T12:00,2024-01-01,2024-01-01T12:00Z\n,2024-01-01,2024-01-01T12:00Z\n"
    said = remarks(messy(text))
    assert list(said) == ["at has no zone"]
    assert said["at has no zone"].startswith("times taken for UTC: 1; if other clocks show them")
    assert remarks(messy(text, reading={"timezone": "UTC"})) == {}


def test_a_time_that_never_was_is_set_aside_with_the_reason(messy):
    found = messy(
        "at\n2024-03-10 02:30\n2024-11-03 01:30\n2024-11-03 05:00\n", reading={"timezone": "America/New_York"}, types={"at": "datetime"}
    )

    assert found.quarantined["_reason"].to_list() == [
        "column at is '2024-03-10 02:30', a time that clocks in America/New_York skip: it never was",
        "column at is '2024-11-03 01:30', a time that clocks in America/New_York show twice:"
        " say which with ambiguous='earliest' or 'latest'",
    ]
    kept = messy(
        "at\n2024-03-10 02:30\n2024-11-03 01:30\n",
        reading={"timezone": "America/New_York", "nonexistent": "null", "ambiguous": "latest"},
    )  # fmt: skip
    assert kept.accepted["at"].to_list() == [None, datetime(2024, 11, 3, 6, 30, tzinfo=UTC)]
    assert kept.quarantined.is_empty()
