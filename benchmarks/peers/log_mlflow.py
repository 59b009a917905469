"""Run in the peer's environment: `log_mlflow.py FOLDER COUNT`. Runs with 20 parameters, 20 metrics and one artifact, on SQLite."""

import json
import sys
import time
from pathlib import Path

started = time.perf_counter()

import mlflow  # noqa: E402

folder, count = Path(sys.argv[1]), int(sys.argv[2])
mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
mlflow.set_experiment("benchmark")
artifact = folder / "artifact.bin"
artifact.write_bytes(bytes(range(256)) * 40)
taken = []
for number in range(count):
    begun = time.perf_counter()
    with mlflow.start_run():
        mlflow.log_params({f"param_{each}": f"{number}-{each}" for each in range(20)})
        mlflow.log_metrics({f"metric_{each}": number + each / 7 for each in range(20)})
        mlflow.log_artifact(str(artifact))
    taken.append(time.perf_counter() - begun)
    if number == 0:
        first = time.perf_counter() - started
print(json.dumps({"first": first, "each": taken[1:]}))
