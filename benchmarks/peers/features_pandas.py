"""Run in the peer's environment: `features_pandas.py FOLDER`. The features of the flights example in pandas, tables already read.

As a careful user writes it: merges for what does not change, `merge_asof` for the latest value known before the question, `rolling` over
events and questions together for the windows. A window whose left edge is moved down to midnight is beyond `rolling`: for it running
sums and `searchsorted` a group.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

NEW_YORK = "America/New_York"
folder = Path(sys.argv[1])
flights, weather, planes, airports = (pd.read_parquet(folder / f"{name}.parquet") for name in ("flights", "weather", "planes", "airports"))


def compute() -> pd.DataFrame:
    local = flights["scheduled"].dt.tz_convert(NEW_YORK)
    asked = flights["scheduled"] - pd.Timedelta(hours=2)
    questions = flights[["carrier", "origin", "dest", "tailnum"]].assign(asked=asked, row=np.arange(len(flights)))
    found = pd.DataFrame(
        {
            "carrier": flights["carrier"],
            "origin": flights["origin"],
            "hour": local.dt.hour + local.dt.minute / 60,
            "weekday": local.dt.weekday + 1,
            "route_km": flights["distance"] * 1.609344,
        }
    )
    place = flights[["dest"]].merge(airports[["faa", "lat", "lon"]], left_on="dest", right_on="faa", how="left")
    found["dest_lat"], found["dest_lon"] = place["lat"].to_numpy(), place["lon"].to_numpy()
    reports = latest(questions, weather, "origin", "reported", "time_hour", ["wind_speed", "visib", "precip"], "6h")
    found["wind"], found["visibility"], found["rain"] = reports["wind_speed"], reports["visib"], reports["precip"]
    plane = flights[["tailnum"]].merge(planes[["tailnum", "year", "seats"]], on="tailnum", how="left")
    found["plane_age"] = flights["scheduled"].dt.year - plane["year"].to_numpy()
    found["seats"] = plane["seats"].to_numpy()
    departures = flights.loc[flights["dep_delay"].notna(), ["carrier", "origin", "departure_known", "dep_delay"]]
    found["origin_delay_3h"] = rolling_mean(questions, departures, ["origin"], "departure_known", "dep_delay", "3h")
    found["carrier_delay_3h"] = rolling_mean(questions, departures, ["carrier", "origin"], "departure_known", "dep_delay", "3h")
    arrivals = flights.loc[flights["arr_delay"].notna(), ["carrier", "dest", "arrived", "arr_delay"]]
    arrivals = arrivals.assign(late=arrivals["arr_delay"] >= 30)
    found["route_late_28d"] = daily_mean(questions, arrivals, ["carrier", "dest"], "arrived", "late", 28)
    found["aircraft_delay"] = latest(questions, flights, "tailnum", "arrived", "scheduled", ["arr_delay"], "24h")["arr_delay"]
    return found


def latest(questions, table, by, known, happened, columns, max_age):
    """The newest row known before the question, unless it happened too long before it."""
    rows = table.loc[table[known].notna() & table[by].notna(), [by, known, happened, *columns]].sort_values([known, happened])
    asked = questions.loc[questions[by].notna(), [by, "asked", "row"]].sort_values("asked")
    joined = pd.merge_asof(asked, rows, left_on="asked", right_on=known, by=by, allow_exact_matches=False)
    joined.loc[~(joined["asked"] - joined[happened] <= pd.Timedelta(max_age)), columns] = np.nan
    return joined.set_index("row")[columns].reindex(questions["row"])


def rolling_mean(questions, events, by, known, value, over):
    """The mean of what became known in [question - over, question)."""
    asked = questions[[*by, "asked", "row"]].rename(columns={"asked": "at"})
    both = pd.concat([asked, events.rename(columns={known: "at"})[[*by, "at", value]]]).sort_values("at")
    means = both.set_index("at").groupby(by, sort=False)[[value, "row"]].rolling(over, closed="left")[value].mean()
    # Groups come one after the other, each in the order of time: the rows' numbers have to be put in that order too.
    order = both.assign(group=both.groupby(by, sort=False).ngroup()).sort_values(["group", "at"], kind="stable")["row"]
    return pd.Series(means.to_numpy(), index=order.to_numpy()).loc[lambda each: each.index.notna()].sort_index().to_numpy()


def daily_mean(questions, events, by, known, value, days):
    """The mean of what became known since the midnight (UTC) before `days` ago."""
    result = np.full(len(questions), np.nan)
    groups = {key: rows.sort_values(known) for key, rows in events.groupby(by)}
    for key, asked in questions.groupby(by):
        if key not in groups:
            continue
        moments = groups[key][known].to_numpy()
        sums = np.concatenate([[0], groups[key][value].to_numpy().cumsum()])
        low = moments.searchsorted((asked["asked"] - pd.Timedelta(days=days)).dt.floor("D").to_numpy())
        high = moments.searchsorted(asked["asked"].to_numpy())
        with np.errstate(invalid="ignore"):
            result[asked["row"].to_numpy()] = (sums[high] - sums[low]) / (high - low)
    return result


taken = []
for _ in range(2):
    started = time.perf_counter()
    features = compute()
    taken.append(time.perf_counter() - started)
features.to_parquet(folder / "pandas.parquet")
print(json.dumps(min(taken)))
