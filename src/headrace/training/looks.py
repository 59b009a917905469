"""Which test set it is: looks at the same rows are counted together."""

import numpy as np
import polars as pl

from headrace.core.fingerprints import fingerprint


def test_rows_fingerprint(arrival: pl.Series, target: pl.Series, *context: object) -> str:
    """Return the fingerprint of a set of test rows and their targets, whatever the order.

    `context` says which table they are of and what the target is, as values that have a fingerprint.
    """
    frame = pl.DataFrame({"arrival": arrival, "target": target.cast(pl.String)}).sort("arrival")
    labels = "\0".join("" if label is None else label for label in frame["target"].to_list())
    return fingerprint(np.ascontiguousarray(frame["arrival"].to_numpy(), dtype=np.int64).tobytes(), labels, *context)
