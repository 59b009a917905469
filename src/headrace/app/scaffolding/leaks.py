"""Columns that say the target almost by themselves: copies of it, recodings of it, results of it."""

import polars as pl

from headrace.app.scaffolding.target import TargetChoice
from headrace.spec.metrics import BINARY, REGRESSION

_SAME_SHARE = 0.995
_SAME_ORDER = 0.999
_LEAST_ROWS = 20


def suspicion(column: pl.Series, target: pl.Series, choice: TargetChoice) -> str | None:
    """Return why a column is suspected to give the target away, or None.

    For classes: each value goes with one class and each class with one value, in 99.5 % of rows; or, for yes or no, a number above or below
    some limit says it in 99.9 % of pairs (the area under the ROC curve). For numbers: ranks agree to 0.999 (Spearman, 1904).
    """
    both = pl.DataFrame({"column": column, "target": target}).drop_nulls()
    if both.height < _LEAST_ROWS or both["column"].n_unique() < 2 or both["target"].n_unique() < 2:
        return None
    numeric = both["column"].dtype.is_numeric()
    if choice.task == REGRESSION:
        together = _rank_correlation(both) if numeric else 0.0
        return f"its order is the target's (rank correlation {together:.4f})" if abs(together) >= _SAME_ORDER else None
    if min(_share_of_commonest(both, "column", "target"), _share_of_commonest(both, "target", "column")) >= _SAME_SHARE:
        return "each value goes with one class and each class with one value"
    if numeric and choice.task == BINARY:
        area = _roc_area(both)
        return f"a limit on it alone tells the target (area under the ROC curve {area:.4f})" if area >= _SAME_ORDER else None
    return None


def _share_of_commonest(both: pl.DataFrame, key: str, value: str) -> float:
    counts = both.group_by(key, value).len().group_by(key).agg(pl.col("len").max())
    return float(counts["len"].sum()) / both.height


def _rank_correlation(both: pl.DataFrame) -> float:
    found = both.select(pl.corr(pl.col("column").cast(pl.Float64), pl.col("target").cast(pl.Float64), method="spearman")).item()
    return 0.0 if found is None or found != found else float(found)


def _roc_area(both: pl.DataFrame) -> float:
    """Mann-Whitney U over the number of pairs, whichever class is above."""
    first = both["target"].max()
    ranks = both.select(rank=pl.col("column").cast(pl.Float64).rank(), is_first=pl.col("target") == first)
    positives = ranks.filter("is_first")
    n, m = positives.height, both.height - positives.height
    area = (float(positives["rank"].sum()) - n * (n + 1) / 2) / (n * m)
    return max(area, 1 - area)
