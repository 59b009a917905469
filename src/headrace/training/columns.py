"""What models take of the features, learnt on the training rows."""

from collections.abc import Mapping

import polars as pl

from headrace.expressions import DType
from headrace.models.artifact import Kind, ModelColumn
from headrace.training.errors import UnsuitableFeature

MOST_LEVELS = 1_000
"""A categorical column keeps its most frequent levels up to this; the others share one place."""

_KINDS: dict[DType, Kind] = {DType.BOOL: "boolean", DType.INT: "numeric", DType.FLOAT: "numeric", DType.STRING: "categorical"}


def check_feature_types(types: Mapping[str, DType]) -> None:
    """Check that models can take every feature, before anything is computed.

    Raises:
        UnsuitableFeature: naming the first that is neither bool, int, float nor string, and what to write instead.
    """
    for name, dtype in types.items():
        if dtype not in _KINDS:
            raise UnsuitableFeature(name, str(dtype))


def learn_columns(features: pl.DataFrame) -> tuple[ModelColumn, ...]:
    """Return the model's columns; levels by frequency, the most frequent first, equals in alphabetical order.

    Raises:
        UnsuitableFeature: for a column of a type that models do not take.
    """
    return tuple(_learn_column(series) for series in features.iter_columns())


def _learn_column(series: pl.Series) -> ModelColumn:
    if series.dtype == pl.String:
        counts = series.alias("level").drop_nulls().value_counts(name="rows").sort(["rows", "level"], descending=[True, False])
        return ModelColumn(series.name, "categorical", tuple(counts["level"].head(MOST_LEVELS).to_list()))
    if series.dtype == pl.Boolean:
        return ModelColumn(series.name, "boolean")
    if series.dtype.is_numeric() or series.dtype == pl.Null:
        return ModelColumn(series.name, "numeric")
    raise UnsuitableFeature(series.name, str(series.dtype).partition("(")[0].lower())
