"""A table written as another place writes it, and read with its options, is the plain one."""

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.ingest.sources import read_source
from headrace.spec.sources import File

ZONE = ZoneInfo("Europe/Berlin")
WORD = st.text(st.sampled_from("abcäöüßé€;,\"' "), min_size=1, max_size=6).map(lambda text: f"w{text}w")
MOMENT = st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(second=0, microsecond=0))  # noqa: DTZ001
DAY = st.dates(date(1900, 1, 1), date(2035, 1, 1))
ROWS = st.lists(
    st.tuples(
        WORD, st.integers(-(10**9), 10**9), st.decimals(-(10**7), 10**7, places=2), MOMENT, st.dates(date(1900, 1, 1), date(2035, 1, 1))
    ),
    min_size=1,
    max_size=15,
)


def is_plain(moment: datetime) -> bool:
    """Whether clocks in the zone show it exactly once."""
    there = [moment.replace(tzinfo=ZONE, fold=fold) for fold in (0, 1)]
    return there[0].utcoffset() == there[1].utcoffset() and there[0].astimezone(UTC).astimezone(ZONE).replace(tzinfo=None) == moment


def written(rows, separator, encoding):
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([("word", "count", "price", "at", "day"), *rows])
    return text.getvalue().encode(encoding)


def german(number):
    return f"{number:,}".translate(str.maketrans(",.", ".,"))


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_a_foreign_table_is_the_plain_one(rows):
    rows = [row for row in rows if is_plain(row[3])]
    plain = [
        (word, count, price, at.replace(tzinfo=ZONE).astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ"),
         datetime(day.year, day.month, day.day, tzinfo=ZONE).astimezone(UTC).isoformat())
        for word, count, price, at, day in rows
    ]  # fmt: skip
    foreign = [
        (word, german(count), german(price), at.strftime("%d.%m.%Y %H:%M"), day.strftime("%d/%m/%Y"))
        for word, count, price, at, day in rows
    ]  # fmt: skip
    options = {
        "separator": ";", "encoding": "cp1252", "decimal": ",", "thousands": ".", "timezone": "Europe/Berlin",
        "dates": {"at": "%d.%m.%Y %H:%M", "day": "%d/%m/%Y"},
    }  # fmt: skip
    with TemporaryDirectory() as folder:
        (Path(folder) / "plain.csv").write_bytes(written(plain, ",", "utf-8"))
        (Path(folder) / "foreign.csv").write_bytes(written(foreign, ";", "cp1252"))
        one = read_source(File("plain.csv"), Path(folder)).collect()
        other = read_source(File("foreign.csv", **options), Path(folder)).collect()

    assert other.select("word", "count", "at", "day").equals(one.select("word", "count", "at", "day")) or not rows
    assert other["price"].to_list() == one["price"].to_list()
