"""Run in the peer's environment: `online_feast.py REDIS FOLDER COUNT`: `get_online_features` of one key after the other, from Redis.

The features lie there ready: Feast's online store keeps the last values that were materialised, and computes no window when it is asked.
Prints the nanoseconds of each question.
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

redis, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
values = pd.read_parquet(folder / "values.parquet")  # key, time and the features
names = [name for name in values.columns if name not in ("key", "time")]
questions = pd.read_parquet(folder / "asked.parquet")["key"].tolist()

with tempfile.TemporaryDirectory() as registry:
    feast = FeatureStore(
        config=RepoConfig(
            project="online",
            provider="local",
            registry=f"{registry}/registry.db",
            offline_store={"type": "dask"},
            online_store={"type": "redis", "connection_string": redis},
            entity_key_serialization_version=3,
        )
    )
    key = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
    source = FileSource(path=str(folder / "values.parquet"), timestamp_field="time")
    fields = [Field(name=name, dtype=Float64) for name in names]
    feast.apply([key, FeatureView(name="values", entities=[key], ttl=timedelta(days=3650), schema=fields, source=source)])
    feast.write_to_online_store("values", values)
    asked = [f"values:{name}" for name in names]
    taken, found = [], 0
    for number in range(-200, count):
        entity = [{"key": questions[number % len(questions)]}]
        started = time.perf_counter_ns()
        answer = feast.get_online_features(features=asked, entity_rows=entity).to_dict()
        ended = time.perf_counter_ns()
        if number >= 0:
            taken.append(ended - started)
            found += answer[names[0]][0] is not None
print(json.dumps({"ns": taken, "found": found}))
