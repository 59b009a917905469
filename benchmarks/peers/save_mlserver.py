"""Run in the peer's environment: `save_mlserver.py CSV FOLDER PORT`. One model, no worker processes beside the server: one core."""

import json
import sys
from pathlib import Path

import joblib
from pipeline import trained

folder = Path(sys.argv[2])
joblib.dump(trained(sys.argv[1]), folder / "model.joblib")
model = {
    "name": "late",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "parameters": {"uri": "./model.joblib"},
}
port = int(sys.argv[3])
settings = {"debug": False, "parallel_workers": 0, "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
(folder / "model-settings.json").write_text(json.dumps(model))
(folder / "settings.json").write_text(json.dumps(settings))
