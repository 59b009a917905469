"""Groups of rows by a column's values."""

import itertools

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST_GROUPS = 50
_QUARTILES = (0.25, 0.5, 0.75)


def groups_of(column: pl.Series) -> list[tuple[str, NDArray[np.int64]]]:
    """Return (group, positions of its rows) pairs, the largest group first, equals by name; together they are all rows once.

    A column with more than fifty values becomes quartiles when it is of numbers, else its 49 most frequent values and `other`.
    Null is a group.
    """
    labels = column.cast(pl.String)
    if column.n_unique() > MOST_GROUPS:
        labels = _quartiles(column) if column.dtype.is_numeric() else _most_frequent(labels)
    frame = pl.DataFrame({"group": labels.fill_null("null"), "row": np.arange(len(column))})
    grouped = frame.group_by("group", maintain_order=True).agg("row")
    pairs = [(str(group), np.array(rows, dtype=np.int64)) for group, rows in grouped.iter_rows()]
    return sorted(pairs, key=lambda pair: (-len(pair[1]), pair[0]))


def _quartiles(column: pl.Series) -> pl.Series:
    """Label each number by the quartile it is in, such as `1.5 to 3`: above the first bound, up to the second."""
    values = column.cast(pl.Float64)
    edges = np.unique([edge for share in _QUARTILES if (edge := values.quantile(share, "lower")) is not None])
    bounds = [f"{edge:g}" for edge in edges]
    labels = [f"up to {bounds[0]}", *(f"{low} to {high}" for low, high in itertools.pairwise(bounds)), f"above {bounds[-1]}"]
    places = np.searchsorted(edges, values.fill_null(0.0).to_numpy(), side="left")
    return pl.Series([None if null else labels[place] for null, place in zip(values.is_null(), places, strict=True)], dtype=pl.String)


def _most_frequent(labels: pl.Series) -> pl.Series:
    counts = labels.alias("group").drop_nulls().value_counts(name="rows").sort(["rows", "group"], descending=[True, False])
    kept = counts["group"].head(MOST_GROUPS - 1).implode()
    return pl.select(pl.when(labels.is_null() | labels.is_in(kept)).then(labels).otherwise(pl.lit("other"))).to_series()
