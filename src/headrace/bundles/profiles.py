"""Reference distributions: what features and scores looked like on the training rows, for comparing what comes later."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # a server reads profiles and never makes one, so that it never loads Polars
    import polars as pl

BINS = 20
LEVELS = 50
_SCORE = "score"


def reference_profile(features: "pl.DataFrame", scores: NDArray[np.float64], classes: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the distributions of feature columns and of scores, (n,) or (n, k), as JSON values.

    A number has at most 20 bins: `edges` are its distinct quantiles (the outer bins are open) and `counts` the rows in each bin, right
    edge excluded. Texts and truth values have the counts of their 50 commonest `levels`, and `other`. NaN counts as null. Moments and
    durations are numbers of seconds.
    """
    table = np.asarray(scores, dtype=np.float64).reshape(len(scores), -1)
    names = classes if table.shape[1] > 1 else (_SCORE,)
    return {
        "rows": features.height,
        "features": {name: _column(features.get_column(name)) for name in features.columns},
        "scores": {name: _numbers(table[:, index], 0) for index, name in enumerate(names)},
    }


def _column(series: "pl.Series") -> dict[str, Any]:
    nulls = series.null_count()
    present = series.drop_nulls()
    if series.dtype.is_numeric():
        return _numbers(present.cast(float).to_numpy(), nulls)
    if series.dtype.is_temporal():
        return _numbers(present.to_physical().to_numpy() / 1e6, nulls)
    return _levels(present, nulls)


def _numbers(values: NDArray[np.float64], nulls: int) -> dict[str, Any]:
    finite = values[np.isfinite(values)]
    facts: dict[str, Any] = {"kind": "number", "nulls": nulls + int(np.isnan(values).sum()), "edges": [], "counts": [len(finite)]}
    if not len(finite):
        return facts
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, BINS + 1)[1:-1]))
    counts = np.bincount(np.searchsorted(edges, finite, side="right"), minlength=len(edges) + 1)
    spread = {"mean": float(finite.mean()), "std": float(finite.std()), "min": float(finite.min()), "max": float(finite.max())}
    return {**facts, "edges": edges.tolist(), "counts": counts.tolist(), **spread}


def _levels(present: "pl.Series", nulls: int) -> dict[str, Any]:
    # Ties in alphabetical order, so that equal rows give equal bytes.
    counted = sorted(present.value_counts(name="count").rows(), key=lambda pair: (-pair[1], str(pair[0])))
    kept = {str(level).lower() if isinstance(level, bool) else str(level): count for level, count in counted[:LEVELS]}
    return {"kind": "level", "nulls": nulls, "levels": kept, "other": sum(count for _, count in counted[LEVELS:]), "distinct": len(counted)}
