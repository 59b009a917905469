"""The same stages in pandas, as one writes them for a table that fits: `python pandas_stage.py STAGE FOLDER`."""

import json
import sys
from pathlib import Path

import lightgbm
import pandas as pd

TEXTS = {"order_id": "str", "buyer": "str", "weight": "str"}
LOOKUPS = {
    "buyer_orders_28d": ("buyer", None, "placed", "28D"),
    "buyer_amount_28d": ("buyer", "amount", "placed", "28D"),
    "buyer_returns_90d": ("buyer", "returned", "settled", "90D"),
    "region_amount_3h": ("region", "amount", "placed", "3h"),
}


def read(folder: Path) -> pd.DataFrame:
    rows = pd.read_csv(folder / "orders.csv", dtype=TEXTS, engine="pyarrow")
    for name in ("placed", "settled"):
        rows[name] = pd.to_datetime(rows[name], utc=True).astype("datetime64[us, UTC]")
    return rows


def ingest(folder: Path) -> None:
    rows = read(folder)
    weight = pd.to_numeric(rows["weight"], errors="coerce")
    bad = (rows["weight"].notna() & weight.isna()) | rows["buyer"].isna() | ~rows["quantity"].between(1, 100)
    rows[bad].to_parquet(folder / "pandas.bad.parquet")
    rows.assign(weight=weight)[~bad].drop_duplicates("order_id").to_parquet(folder / "pandas.parquet")


def features(asks: pd.DataFrame, folder: Path) -> pd.DataFrame:
    orders, shops = pd.read_parquet(folder / "pandas.parquet"), pd.read_csv(folder / "shops.csv")
    made = asks.assign(hour=asks["placed"].dt.hour).merge(shops, on="shop", how="left").rename(columns={"size": "shop_size"})
    last = orders[["buyer", "placed", "channel"]].rename(columns={"channel": "last_channel"})
    made = pd.merge_asof(made, last, on="placed", by="buyer", tolerance=pd.Timedelta("90D"), allow_exact_matches=False)
    for name, (key, value, known, over) in LOOKUPS.items():
        made[name] = window(made, orders, key, value, known, pd.Timedelta(over))
    return made


def window(asks: pd.DataFrame, orders: pd.DataFrame, key: str, value: str | None, known: str, over: pd.Timedelta) -> pd.Series:
    there = orders[[key, known]].rename(columns={known: "known"})
    there["value"] = 1.0 if value is None else orders[value].astype("float64")
    there = there.dropna().sort_values("known")
    grouped = there.groupby(key, sort=False)["value"]
    there["total"], there["count"] = grouped.cumsum(), grouped.cumcount() + 1
    sides = []
    for edge in (asks["placed"], asks["placed"] - over):
        asked = pd.DataFrame({key: asks[key], "known": edge})
        found = pd.merge_asof(asked, there.drop(columns="value"), on="known", by=key, allow_exact_matches=False)
        sides.append(found[["total", "count"]].fillna(0))
    difference = sides[0] - sides[1]
    return difference["count"] if value is None else (difference["total"] / difference["count"]).where(difference["count"] > 0)


def score(folder: Path) -> None:
    asks = read(folder)
    columns, booster = json.loads((folder / "model.json").read_text()), lightgbm.Booster(model_file=folder / "model.txt")
    made = features(asks, folder)
    for column in columns:
        if column["levels"]:
            known, found = len(column["levels"]), made[column["name"]]
            codes = pd.Series(pd.Categorical(found, categories=column["levels"]).codes, made.index, dtype="float64")
            made[column["name"]] = codes.mask(codes < 0, known).mask(found.isna(), known + 1)
    inputs = made[[column["name"] for column in columns]].astype("float64").to_numpy()
    asks.assign(score=booster.predict(inputs, num_threads=2)).to_csv(folder / "pandas.csv", index=False)


if __name__ == "__main__":
    stage, where = sys.argv[1], Path(sys.argv[2])
    if stage == "features":
        features(pd.read_parquet(where / "pandas.parquet"), where).to_parquet(where / "pandas.features.parquet")
    else:
        {"ingest": ingest, "score": score}[stage](where)
