"""Run in the peer's environment: `save_mlflow.py CSV FOLDER`. The pipeline as an MLflow model."""

import sys

import mlflow.sklearn
from pipeline import trained

mlflow.sklearn.save_model(trained(sys.argv[1]), sys.argv[2], serialization_format="cloudpickle", pyfunc_predict_fn="predict_proba")
