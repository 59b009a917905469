"""Will an order come back? The description that the benchmark runs."""

import headrace as hr
from headrace import col

orders = hr.Events(
    "orders",
    source=hr.File("orders.csv"),
    types={"order_id": "string", "buyer": "string", "weight": "float"},
    id="order_id",
    time="placed",
    known={"returned": "settled"},
    expect=[hr.not_null("buyer"), hr.between("quantity", 1, 100)],
)
shops = hr.Entity("shops", source=hr.File("shops.csv"), key="shop")

features = hr.Features(
    spine=orders,
    as_of=col("placed"),
    given=["buyer", "shop", "region", "channel", "amount", "quantity", "placed"],
    values={
        "amount": col("amount"),
        "quantity": col("quantity"),
        "channel": col("channel"),
        "hour": col("placed").hour(),
        "shop_size": hr.latest(shops, "size", by="shop"),
        "last_channel": hr.latest(orders, "channel", by="buyer", max_age="90d"),
        "buyer_orders_28d": hr.window(orders, hr.count(), by="buyer", over="28d"),
        "buyer_amount_28d": hr.window(orders, col("amount").mean(), by="buyer", over="28d"),
        "buyer_returns_90d": hr.window(orders, col("returned").mean(), by="buyer", over="90d"),
        "region_amount_3h": hr.window(orders, col("amount").mean(), by="region", over="3h"),
    },
)

comes_back = hr.Model(
    "comes_back",
    features=features,
    target=col("returned"),
    split=hr.split.by_time(validation="45d", test="45d"),
    candidates=[hr.Baseline(), hr.GradientBoosting(num_leaves=31, learning_rate=0.1, min_child_samples=20, reg_lambda=1.0, rounds=50)],
    metric="roc_auc",
)

project = hr.Project("orders", models=[comes_back])
