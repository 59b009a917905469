"""A small project whose orders are streamed: some come late, some twice, some are no orders."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headrace.app.recorded_types import recorded_types
from headrace.app.workspace import Workspace
from headrace.features.plan import FeaturePlan

START = datetime(2024, 1, 1, tzinfo=UTC)

PROJECT = '''"""Will an order be returned?"""

import headrace as hr
from headrace import col

orders = hr.Events(
    "orders",
    source=hr.Replay(hr.File("orders.csv"), lateness="2h", remember="2d", history="500d"),
    id="order_id",
    time="placed",
    known={"returned": "settled"},
    expect=[hr.between("amount", 0, 1000)],
    personal={"email": hr.Pseudonym()},
)
shops = hr.Entity("shops", source=hr.Replay(hr.File("shops.csv")), key="shop")

features = hr.Features(
    spine=orders,
    as_of=col("placed"),
    given=["shop", "amount", "email", "placed"],
    values={
        "amount": col("amount"),
        "size": hr.latest(shops, "size", by="shop"),
        "shop_orders_7d": hr.window(orders, hr.count(), by="shop", over="7d"),
        "shop_mean_1d": hr.window(orders, col("amount").mean(), by="shop", over="1d"),
        "last_amount": hr.latest(orders, "amount", by="email"),
        "buyer_returns_30d": hr.window(orders, col("returned").mean(), by="email", over="30d", hop="1d"),
    },
)

returned = hr.Model(
    "returned",
    features=features,
    target=col("returned"),
    split=hr.split.by_time(validation="15d", test="15d", purge="1d"),
    candidates=[hr.Logistic(c=1.0)],
    metric="roc_auc",
)

project = hr.Project("returns", models=[returned], seed=7)
'''


def write_project(folder: Path, days: int = 60) -> Path:
    """Write the project and its data; return the project file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shops.csv").write_text("shop,size\n" + "".join(f"s{n},{n + 1}\n" for n in range(5)), encoding="utf-8")
    (folder / "orders.csv").write_text(orders_csv(days), encoding="utf-8")
    path = folder / "project.py"
    path.write_text(PROJECT, encoding="utf-8")
    return path


def planned(workspace: Workspace) -> FeaturePlan:
    """Return the plan of the first model's features, whose spine are the orders, by the newest types on record."""
    types = recorded_types(workspace)
    return FeaturePlan.build(workspace.project.models[0].features, types["orders"], types)


def orders_csv(days: int) -> str:
    """Return so many days of orders, of which some come again and some have an amount that no order has."""
    rng = random.Random(11)
    lines = ["order_id,shop,amount,email,placed,settled,returned"]
    for number in range(days * 20):
        placed = START + timedelta(minutes=72 * number + rng.randrange(60))
        settled = placed + timedelta(days=rng.randrange(1, 9))
        amount = -1 if number % 97 == 5 else round(rng.uniform(5, 300), 2)
        returned = str(rng.random() < 0.3 + 0.1 * (number % 3)).lower()
        when = f"{placed:%Y-%m-%dT%H:%M:%SZ},{settled:%Y-%m-%dT%H:%M:%SZ}"
        line = f"o{number},s{rng.randrange(5)},{amount},b{rng.randrange(40)}@x.org,{when},{returned}"
        lines += [line, line] if number % 41 == 3 else [line]
    return "\n".join(lines) + "\n"
