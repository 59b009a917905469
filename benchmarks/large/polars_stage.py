"""The same stages in plain Polars, lazy and streaming wherever it can: `python polars_stage.py STAGE FOLDER`.

A window over what was known is the difference of two running totals, each found by an as-of join.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

import lightgbm
import polars as pl

TEXTS = {"order_id": pl.String, "buyer": pl.String, "weight": pl.String}
LOOKUPS = {
    "buyer_orders_28d": ("buyer", pl.lit(1.0), "placed", 28 * 24),
    "buyer_amount_28d": ("buyer", pl.col("amount"), "placed", 28 * 24),
    "buyer_returns_90d": ("buyer", pl.col("returned").cast(pl.Float64), "settled", 90 * 24),
    "region_amount_3h": ("region", pl.col("amount"), "placed", 3),
}


def ingest(folder: Path) -> None:
    rows = pl.scan_csv(folder / "orders.csv", schema_overrides=TEXTS, try_parse_dates=True)
    weight = pl.col("weight").cast(pl.Float64, strict=False)
    bad = (pl.col("weight").is_not_null() & weight.is_null()) | pl.col("buyer").is_null() | ~pl.col("quantity").is_between(1, 100)
    rows.filter(bad).sink_parquet(folder / "polars.bad.parquet")
    good = rows.filter(~bad).with_columns(weight).unique("order_id", keep="first", maintain_order=True)
    good.sink_parquet(folder / "polars.parquet")


def features(asks: pl.LazyFrame, folder: Path) -> pl.LazyFrame:
    orders, shops = pl.scan_parquet(folder / "polars.parquet"), pl.scan_csv(folder / "shops.csv")
    made = (
        asks.with_columns(hour=pl.col("placed").dt.hour())
        .join(shops, on="shop", how="left", maintain_order="left")
        .rename({"size": "shop_size"})
    )
    last = orders.select("buyer", "placed", last_channel="channel")
    made = made.join_asof(last, on="placed", by="buyer", tolerance=timedelta(days=90), allow_exact_matches=False)
    return window_features(made, orders)


def window_features(made: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
    for name, (key, value, known, hours) in LOOKUPS.items():
        there = orders.select(key, known=known, value=value).drop_nulls().sort("known")
        there = there.select(key, "known", total=pl.col("value").cum_sum().over(key), count=pl.col("value").cum_count().over(key))
        made = made.with_columns(edge=pl.col("placed") - timedelta(hours=hours))
        for side, at in (("high", "placed"), ("low", "edge")):
            totals = there.rename({"total": f"{side}_total", "count": f"{side}_count"})
            made = made.join_asof(totals, left_on=at, right_on="known", by=key, allow_exact_matches=False).drop("known", strict=False)
        count = pl.col("high_count").fill_null(0) - pl.col("low_count").fill_null(0)
        total = pl.col("high_total").fill_null(0) - pl.col("low_total").fill_null(0)
        made = made.with_columns((count if name == "buyer_orders_28d" else pl.when(count > 0).then(total / count)).alias(name))
        made = made.drop("edge", "high_total", "high_count", "low_total", "low_count")
    return made


def score(folder: Path) -> None:
    asks = pl.scan_csv(folder / "orders.csv", schema_overrides=TEXTS, try_parse_dates=True)
    columns, booster = json.loads((folder / "model.json").read_text()), lightgbm.Booster(model_file=folder / "model.txt")
    with (folder / "polars.csv").open("wb") as file:
        for number, batch in enumerate(features(asks, folder).collect_batches(chunk_size=250_000, maintain_order=True, engine="streaming")):
            inputs = batch.select(encoded(column) for column in columns)
            scores = pl.Series("score", booster.predict(inputs.to_numpy(), num_threads=2))
            batch.select(*asks.collect_schema().names()).with_columns(scores).write_csv(file, include_header=number == 0)


def encoded(column: dict) -> pl.Expr:
    """Levels as the model codes them: a level that it does not know comes after those that it does, null after that."""
    found, levels = pl.col(column["name"]), column["levels"]
    if not levels:
        return found.cast(pl.Float64)
    codes = found.replace_strict(levels, range(len(levels)), default=len(levels), return_dtype=pl.Float64)
    return pl.when(found.is_null()).then(len(levels) + 1.0).otherwise(codes).alias(column["name"])


if __name__ == "__main__":
    stage, where = sys.argv[1], Path(sys.argv[2])
    if stage == "features":
        features(pl.scan_parquet(where / "polars.parquet"), where).sink_parquet(where / "polars.features.parquet")
    else:
        {"ingest": ingest, "score": score}[stage](where)
