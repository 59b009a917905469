"""Run in the peer's environment: `lookups_pandas.py JOB FOLDER NAME`: joins by `merge_asof`, windows by `groupby().rolling()`.

`merge_asof` wants both tables in the order of time; those that are not are sorted, and the answers put back in the questions' order.
Rolling windows end at rows of their own frame, so the questions are put among the events, as rows without an amount.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

job, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


def joins() -> pd.DataFrame:
    events = pd.read_parquet(folder / "events.parquet", columns=["key", "time", "amount"])
    questions = pd.read_parquet(folder / "questions.parquet")
    age = pd.Timedelta("7D")
    if ordered := questions["asked"].is_monotonic_increasing and events["time"].is_monotonic_increasing:
        asked = questions
    else:
        asked, events = questions.sort_values("asked", kind="stable"), events.sort_values("time", kind="stable")
    found = pd.merge_asof(asked, events, left_on="asked", right_on="time", by="key", allow_exact_matches=False, tolerance=age)
    return found if ordered else found.sort_values("place", ignore_index=True)


def windows() -> pd.DataFrame:
    events = pd.read_parquet(folder / "events.parquet", columns=["key", "time", "amount"])
    questions = pd.read_parquet(folder / "questions.parquet").rename(columns={"asked": "time"})
    both = pd.concat([questions, events]).sort_values(["key", "time"], kind="stable", ignore_index=True)
    asked = both["place"].notna().to_numpy()
    found = {"place": both["place"].to_numpy()[asked].astype(np.int64)}
    for over in ("1h", "1d", "7d"):
        rolling = both.groupby("key", sort=False).rolling(over, on="time", closed="left", min_periods=0)["amount"]
        found[f"count_{over}"] = rolling.count().to_numpy()[asked]
        for aggregate in ("sum", "mean", "min", "max"):
            values = getattr(rolling, aggregate)().to_numpy()[asked]
            found[f"{aggregate}_{over}"] = np.where(found[f"count_{over}"] > 0, values, np.nan)
    return pd.DataFrame(found)


started, cpu = time.perf_counter(), time.process_time()
answers = {"joins": joins, "windows": windows}[job]()
taken = [time.perf_counter() - started, time.process_time() - cpu]
answers.drop(columns=["key", "asked", "time"], errors="ignore").to_parquet(folder / f"{name}.parquet")
print(json.dumps(taken))
