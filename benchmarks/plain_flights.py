"""Flights without lookups: six columns that are in the row itself, so that servers without a feature store can have the same model."""

import csv
import json
from pathlib import Path

from benchmarks.questions import records

PROJECT = """import headrace as hr
from headrace import col

flights = hr.Events("flights", source=hr.File("rows.csv"), id="number", time="at", types={{"at": "datetime"}},
                    known={{"late": "settled"}}, columns={{"settled": col("at") + hr.hours(24)}})
features = hr.Features(
    spine=flights, given=["carrier", "origin", "dest", "distance", "hour", "weekday"],
    values={{name: col(name) for name in ("carrier", "origin", "dest", "distance", "hour", "weekday")}},
)
late = hr.Model(
    "late", features=features, target=col("late") == 1, split=hr.split.by_time(validation="5d", test="5d"),
    candidates=[hr.{candidate}()], tune=hr.Tune(trials=1, time="60s"), metric="average_precision",
)
project = hr.Project("plain", models=[late], seed=13)
"""
COLUMNS = ("carrier", "origin", "dest", "distance", "hour", "weekday")
_ROWS = 60_000


def write_rows(folder: Path) -> Path:
    """Write the rows that models are trained on; return the CSV."""
    path = folder / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "at", "late", *COLUMNS])
        for number, (scheduled, record) in enumerate(_known()[:_ROWS]):
            late = int(float(record["arr_delay"]) >= 30)
            writer.writerow([number, scheduled.isoformat(), late, *(_asked(scheduled, record)[name] for name in COLUMNS)])
    return path


def write_project(folder: Path, candidate: str) -> Path:
    """Write a project with this candidate beside the rows; return the description."""
    path = folder / f"{candidate.lower()}.py"
    path.write_text(PROJECT.format(candidate=candidate), encoding="utf-8")
    return path


def questions(count: int) -> list[dict[str, object]]:
    """Return rows that no model was trained on, each different from the one before."""
    return [_asked(scheduled, record) for scheduled, record in _known()[_ROWS : _ROWS + count]]


def as_plain(rows: list[dict[str, object]]) -> list[str]:
    """Bodies for `POST /predict`."""
    return [json.dumps(row) for row in rows]


def as_inference(rows: list[dict[str, object]]) -> list[str]:
    """Bodies for MLServer, which makes a data frame of them."""
    return [json.dumps({"parameters": {"content_type": "pd"}, "inputs": [_tensor(*item) for item in row.items()]}) for row in rows]


def as_records(rows: list[dict[str, object]]) -> list[str]:
    """Bodies for `mlflow models serve`."""
    return [json.dumps({"dataframe_records": [row]}) for row in rows]


def _tensor(name: str, value: object) -> dict[str, object]:
    kind = "BYTES" if isinstance(value, str) else "INT64"
    tensor: dict[str, object] = {"name": name, "shape": [1], "datatype": kind, "data": [value]}
    return tensor | ({"parameters": {"content_type": "str"}} if kind == "BYTES" else {})


def _known() -> list[tuple]:
    return [(scheduled, record) for scheduled, record in records() if record["arr_delay"] not in ("", "NA")]


def _asked(scheduled, record: dict[str, str]) -> dict[str, object]:
    texts = {name: record[name] for name in ("carrier", "origin", "dest")}
    return {**texts, "distance": int(record["distance"]), "hour": int(record["hour"]), "weekday": scheduled.isoweekday()}
