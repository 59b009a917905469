"""The table: orders of a large shop, 300 bytes a row, written in chunks; the same number of rows is always the same file."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

CHUNK = 250_000
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1e6)
YEAR = 365 * 86_400 * 1_000_000
SHOPS, CHANNELS = 2_000, ("app", "web", "shop", "phone", "partner")
WORDS = ("deliver leave with neighbour ring the bell twice gift wrap card fragile this side up call before cold please back door").split()


def write_table(folder: Path, rows: int) -> int:
    """Write `orders.csv` and `shops.csv`; return the size of the first in bytes."""
    shops = np.random.default_rng(0).integers(1, 500, SHOPS)
    pl.DataFrame({"shop": [f"shop-{number:05}" for number in range(SHOPS)], "size": shops}).write_csv(folder / "shops.csv")
    path = folder / "orders.csv"
    with path.open("wb") as file:
        for start in range(0, rows, CHUNK):
            chunk = orders(start, min(CHUNK, rows - start), rows)
            chunk.write_csv(file, include_header=start == 0, datetime_format="%Y-%m-%dT%H:%M:%S%.3fZ")
    return path.stat().st_size


def orders(start: int, count: int, rows: int) -> pl.DataFrame:
    """Return some orders in the order of their time: nulls, one bad weight in two thousand, one order in ten thousand told twice."""
    rng = np.random.default_rng(start + 1)
    number = np.arange(start, start + count)
    number = np.where((rng.random(count) < 1e-4) & (number > start), number - 1, number)
    placed = START + (number * (YEAR / rows)).astype(np.int64)
    buyer = rng.integers(0, max(rows // 20, 50), count)
    weight = pl.Series(np.round(rng.normal(4.0, 1.0, count), 3)).cast(pl.String)
    bad, none, open_ = rng.random(count) < 5e-4, rng.random(count) < 0.02, rng.random(count) < 0.03
    notes = np.array([" ".join(rng.choice(WORDS, 33)) for _ in range(500)])
    return pl.DataFrame(
        {
            "order_id": pl.Series(number).cast(pl.String).str.zfill(12),
            "buyer": pl.Series(buyer).cast(pl.String).str.zfill(10),
            "shop": [f"shop-{each:05}" for each in rng.integers(0, SHOPS, count)],
            "region": pl.Series(rng.choice(["north", "east", "south", "west"], count)),
            "channel": pl.Series(rng.choice(CHANNELS, count)).set(pl.Series(rng.random(count) < 0.01), None),
            "amount": pl.Series(np.round(rng.gamma(2.0, 30.0, count), 2)).set(pl.Series(none), None),
            "quantity": rng.integers(1, 9, count),
            "weight": weight.set(pl.Series(bad), "see note"),
            "placed": pl.Series(placed // 1000).cast(pl.Datetime("ms")),
            "settled": pl.Series((placed + rng.integers(1, 20 * 86_400_000_000, count)) // 1000)
            .cast(pl.Datetime("ms"))
            .set(pl.Series(open_), None),
            "returned": pl.Series(rng.random(count) < 0.05 + 0.15 * (buyer % 5 == 0)).set(pl.Series(open_), None),
            "note": pl.Series(rng.choice(notes, count)),
        }
    )


if __name__ == "__main__":
    print(write_table(Path(sys.argv[1]), int(sys.argv[2])))
