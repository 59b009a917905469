"""Run in the peer's environment: `lookups_feast.py STORE FOLDER NAME`: `get_historical_features` from an offline store, dask or duckdb.

Feast sees an event of the very moment of the question, so it is asked a microsecond earlier; moments are whole milliseconds, and so what
is older than seven days is the same.
"""

import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64

store, folder, name = sys.argv[1], Path(sys.argv[2]), sys.argv[3]

with tempfile.TemporaryDirectory() as registry:
    kept = RepoConfig(
        project="lookups",
        provider="local",
        registry=f"{registry}/registry.db",
        offline_store={"type": store},
        online_store=None,
        entity_key_serialization_version=3,
    )
    feast = FeatureStore(config=kept)
    key = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
    source = FileSource(path=str(folder / "events.parquet"), timestamp_field="time")
    amount, week = Field(name="amount", dtype=Float64), timedelta(days=7)
    feast.apply([key, FeatureView(name="events", entities=[key], ttl=week, schema=[amount], source=source)])
    started, cpu = time.perf_counter(), time.process_time()
    questions = pd.read_parquet(folder / "questions.parquet").rename(columns={"asked": "event_timestamp"})
    questions["event_timestamp"] -= pd.Timedelta("1us")
    answers = feast.get_historical_features(entity_df=questions, features=["events:amount"]).to_df()
    taken = [time.perf_counter() - started, time.process_time() - cpu]
answers[["place", "amount"]].to_parquet(folder / f"{name}.parquet")
print(json.dumps(taken))
