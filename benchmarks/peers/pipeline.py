"""Run in a peer's environment: the scikit-learn pipeline that the peers serve, as one writes it, over the columns that ours has."""

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

TEXTS, NUMBERS = ["carrier", "origin", "dest"], ["distance", "hour", "weekday"]


def trained(path: str) -> Pipeline:
    """Return the pipeline, fitted on a CSV with the columns and `late`."""
    rows = pd.read_csv(path)
    prepared = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), TEXTS), (StandardScaler(), NUMBERS))
    return make_pipeline(prepared, LogisticRegression(max_iter=1000)).fit(rows[TEXTS + NUMBERS], rows["late"] == 1)
