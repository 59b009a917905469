"""The files of a linear artifact."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.models.arrays import array_bytes
from headrace.models.linear import NumericTerm, Term


def linear_files(
    terms: tuple[Term, ...], weights: NDArray[np.float64], shares: NDArray[np.float64], intercept: NDArray[np.float64]
) -> dict[str, bytes]:
    """Return the files for weights (t, k), every term centred: the mean of what it adds, by the shares (t,) of rows that have each
    constant, is moved to the intercept (k,). A slope's number has mean zero already."""
    centred, start = weights.copy(), 0
    for term in terms:
        block = slice(start + (1 if isinstance(term, NumericTerm) else 0), start + term.size)
        mean = shares[block] @ centred[block]
        centred[block] -= mean
        intercept = intercept + mean
        start += term.size
    return {"design.json": msgspec.json.encode(terms), "weights.npy": array_bytes(centred), "intercept.npy": array_bytes(intercept)}
