"""A table whose rows change in place in a database: what came again is history here, by when it became known."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

import headrace as hr
from headrace.app.handle import ProjectHandle
from headrace.app.store import lake_of
from headrace.app.workspace import Workspace
from headrace.core.clock import FixedClock
from headrace.expressions import DType
from headrace.features.online import OnlineFeatures
from headrace.features.plan import FeaturePlan
from headrace.features.publish import build_state
from headrace.ledger import tables

DAY = timedelta(days=1)
FIRST, SECOND = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
"""When the project is run."""

PROJECT = """
import headrace as hr
from headrace import col

orders = hr.Events("orders", source=hr.File("orders.csv"), id="order", time="placed")
database = hr.SQL("sqlite:///shops.db", table="shops", cursor="version")
options = dict(key="shop", time="changed", deleted=col("closed") == 1, expect=[hr.not_null("size")])
told = hr.Entity("told", source=database, known="written", **options)
seen = hr.Entity("seen", source=database, known="ingested", **options)
features = hr.Features(
    spine=orders,
    as_of=col("placed"),
    given=["shop", "amount", "placed"],
    values={
        "amount": col("amount"),
        "size_told": hr.latest(told, "size", by="shop"),
        "size_seen": hr.latest(seen, "size", by="shop"),
        "changes": hr.window(seen, hr.count(), by="shop", over="365d"),
    },
)
returned = hr.Model("returned", features=features, target=col("returned"), split=hr.split.by_time(validation="15d", test="15d"),
                    candidates=[hr.Baseline()], metric="roc_auc")
project = hr.Project("upserts", models=[returned], seed=7)
"""


def write_project(folder: Path) -> Path:
    lines = ["order,shop,amount,placed,returned"]
    for number in range(180):
        placed = datetime(2024, 1, 2, tzinfo=UTC) + number * DAY / 2
        lines.append(f"{number},{'abc'[number % 3]},{number % 7}.5,{placed.isoformat()},{str(number % 5 < 2).lower()}")
    (folder / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write(folder, "CREATE TABLE shops (shop text, size integer, changed text, written text, closed integer, version integer)")
    (folder / "project.py").write_text(PROJECT, encoding="utf-8")
    return folder / "project.py"


def write(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "shops.db")) as shops, shops:
        for statement in statements:
            shops.execute(statement)


@contextmanager
def opened(project: Path, now: datetime) -> Iterator[ProjectHandle]:
    handle = hr.load(project, environment={"HEADRACE_USER": "ana"})
    handle.workspace.clock = FixedClock(now)
    try:
        yield handle
    finally:
        handle.close()


def sizes(workspace: Workspace, column: str, shop: str) -> list[tuple[datetime, Any]]:
    """Return when each order of a shop was placed, and what the features of the newest run say of it."""
    lake = lake_of(workspace).tables
    orders = lake.scan("orders").select("_arrival", "shop", "placed")
    found = lake.scan("features/returned").select("_arrival", column).join(orders, on="_arrival").filter(pl.col("shop") == shop)
    return [(placed, value) for placed, value in found.sort("placed").select("placed", column).collect().iter_rows()]


def plan_of(workspace: Workspace) -> FeaturePlan:
    features = workspace.project.models[0].features
    with workspace.ledger.read() as session:
        types = {}
        for table in features.tables():
            record = tables.latest(session, workspace.project.name, table.name)
            assert record is not None
            types[table.name] = {name: DType(kind) for name, kind in record.types.items()}
    return FeaturePlan.build(features, types["orders"], types)


def online(workspace: Workspace, shop: str, now: datetime) -> dict[str, Any]:
    plan = plan_of(workspace)
    state = build_state(plan, {name: lake_of(workspace).tables.scan(name) for name in plan.tables}, now)
    return OnlineFeatures(plan, state).compute({"shop": shop, "amount": 1.0}, now)


def test_rows_that_change_in_a_database_are_history_here(tmp_path: Path) -> None:
    project, start = write_project(tmp_path), "2024-01-01T00:00:00Z"
    write(tmp_path, f"INSERT INTO shops VALUES ('a', 1, '{start}', '{start}', 0, 1), ('b', 2, '{start}', '{start}', 0, 2)")
    write(tmp_path, f"INSERT INTO shops VALUES ('c', 3, '{start}', '{start}', 0, 3)")
    with opened(project, FIRST) as handle:
        handle.run()
        assert {size for _, size in sizes(handle.workspace, "size_told", "a")} == {1}
        assert {size for placed, size in sizes(handle.workspace, "size_seen", "a") if placed > FIRST} == {1}
        assert {size for placed, size in sizes(handle.workspace, "size_seen", "a") if placed <= FIRST} == {None}

    # a is corrected, a day after it turned out; b is closed, of which the database keeps no size; c comes again as it was.
    write(tmp_path, "UPDATE shops SET size = 10, changed = '2024-02-10', written = '2024-02-11', version = 4 WHERE shop = 'a'")
    write(
        tmp_path, "UPDATE shops SET size = NULL, changed = '2024-02-20', written = '2024-02-20', closed = 1, version = 5 WHERE shop = 'b'"
    )
    write(tmp_path, f"INSERT INTO shops VALUES ('c', 3, '{start}', '{start}', 0, 3)")
    write(tmp_path, "INSERT INTO shops SELECT * FROM shops WHERE version = 5")
    with opened(project, SECOND) as handle:
        report = handle.run()
        workspace = handle.workspace
        assert any(step.summary == "7 rows in = 5 accepted + 0 quarantined + 2 duplicates" for step in report.steps), report.steps

        corrected = datetime(2024, 2, 11, tzinfo=UTC)
        assert all(size == (1 if placed <= corrected else 10) for placed, size in sizes(workspace, "size_told", "a"))
        closed = datetime(2024, 2, 20, tzinfo=UTC)
        assert all(size == (2 if placed <= closed else None) for placed, size in sizes(workspace, "size_told", "b"))
        assert {size for _, size in sizes(workspace, "size_told", "c")} == {3}
        for shop, before, after in (("a", 1, 10), ("b", 2, None), ("c", 3, 3)):
            for placed, size in sizes(workspace, "size_seen", shop):
                assert size == (None if placed <= FIRST else before if placed <= SECOND else after), (shop, placed)

        assert online(workspace, "a", SECOND + DAY) == {"amount": 1.0, "size_told": 10, "size_seen": 10, "changes": 2}
        assert online(workspace, "b", SECOND + DAY) == {"amount": 1.0, "size_told": None, "size_seen": None, "changes": 1}
        assert online(workspace, "c", SECOND + DAY) == {"amount": 1.0, "size_told": 3, "size_seen": 3, "changes": 1}
        assert handle.run().run_id is None, "nothing to do"
