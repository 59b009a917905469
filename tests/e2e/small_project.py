"""A small project with everything in it, for tests that walk through its life."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import headrace as hr
from headrace.app.workspace import Workspace
from headrace.ledger import models
from headrace.ledger.session import Session

START = datetime(2024, 1, 1, tzinfo=UTC)

PROJECT = '''"""Will an order be returned?"""

import polars as pl

import headrace as hr
from headrace import col

orders_raw = hr.Events("orders_raw", source=hr.File("orders.csv"), id="order_id", time="placed", expect=[hr.between("amount", 0, 1000)],
                       personal={"email": hr.Pseudonym()})
shops = hr.Entity("shops", source=hr.File("shops.csv"), key="shop")


def with_region(orders: pl.LazyFrame, shops: pl.LazyFrame) -> pl.LazyFrame:
    return orders.join(shops.select("shop", "region"), on="shop", how="left", maintain_order="left")


orders = hr.Derived("orders", inputs=[orders_raw, shops], build=with_region, id="order_id", time="placed", known={"returned": "settled"},
                    personal={"email": hr.Pseudonym()})

features = hr.Features(
    spine=orders,
    as_of=col("placed"),
    given=["shop", "amount", "email", "placed"],
    values={
        "amount": col("amount"),
        "hour": col("placed").hour(),
        "size": hr.latest(shops, "size", by="shop"),
        "shop_orders_7d": hr.window(orders, hr.count(), by="shop", over="7d"),
        "buyer_returns_30d": hr.window(orders, col("returned").mean(), by="email", over="30d", hop="1d"),
    },
)

returned = hr.Model(
    "returned",
    features=features,
    target=col("returned"),
    split=hr.split.by_time(validation="15d", test="15d", purge="1d"),
    candidates=[hr.Logistic(c=1.0), hr.GradientBoosting(num_leaves=7, learning_rate=0.1, min_child_samples=20, reg_lambda=1.0, rounds=40)],
    tune=hr.Tune(trials=2, time="30s"),
    metric="roc_auc",
    costs=hr.Outcomes(false_negative=5, false_positive=1),
    gates=[hr.gate.beats("baseline"), hr.gate.beats("champion"), hr.gate.latency(p99_ms=1000)],
    approve=hr.Approve(role="reviewer"),
)

project = hr.Project("returns", models=[returned], team=[hr.Person("ana", roles="engineer"), hr.Person("ben", roles="reviewer")], seed=7)
'''


def write_project(folder: Path, days: int = 90) -> Path:
    """Write the project and its data; return the project file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shops.csv").write_text("shop,region,size\n" + "".join(f"s{n},r{n % 2},{n + 1}\n" for n in range(5)), encoding="utf-8")
    (folder / "orders.csv").write_text(orders_csv(days), encoding="utf-8")
    path = folder / "project.py"
    path.write_text(PROJECT, encoding="utf-8")
    return path


@contextmanager
def newest_bundle(project: Path, of: Callable[[Session, str, str], models.ModelVersion | None]) -> Iterator[tuple[Workspace, str]]:
    """Open the project; give it with the blob of the bundle of the version that `of` (`models.latest`, `models.champion`) finds."""
    opened = hr.load(project, environment={"HEADRACE_USER": "ana"})
    try:
        with opened.workspace.ledger.read() as session:
            version = of(session, "returns", "returned")
        assert version is not None
        yield opened.workspace, version.bundle_location or ""
    finally:
        opened.close()


def orders_csv(days: int) -> str:
    """Return so many days of orders; the same day always has the same orders."""
    lines = ["order_id,shop,amount,email,placed,settled,returned"]
    for day in range(days):
        lines += _day(day)
    return "\n".join(lines) + "\n"


def _day(day: int) -> list[str]:
    rng = random.Random(day)
    lines = []
    for number in range(30):
        placed = START + timedelta(days=day, seconds=rng.randrange(86_400))
        buyer = rng.randrange(40)
        amount = round(rng.uniform(5, 200), 2) if rng.random() > 0.01 else -1.0
        chance = 0.05 + 0.5 * (buyer % 4 == 0) + 0.3 * (amount > 120)
        returned = "true" if rng.random() < chance else "false"
        settled = placed + timedelta(hours=rng.randrange(1, 72))
        lines.append(
            f"{day}-{number},s{rng.randrange(5)},{amount},b{buyer}@example.org,{placed.isoformat()},{settled.isoformat()},{returned}"
        )
    return lines
