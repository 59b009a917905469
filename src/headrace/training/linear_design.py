"""The design matrix of a linear model, learnt on the training rows: imputed, standardised, one-hot; sparse."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from headrace.models.artifact import ModelColumn
from headrace.models.linear import LevelTerm, NumericTerm, Term, places, standardised
from headrace.training.linear_files import linear_files

MOST_KEPT_LEVELS = 200
_LEAST_ROWS, _LEAST_SHARE = 5, 1_000


@dataclass(frozen=True)
class Design:
    """`matrix` (n, t) holds the active terms; `positions` (t,) says where each one's weight goes among all the artifact's weights."""

    terms: tuple[Term, ...]
    matrix: sparse.csr_array
    positions: NDArray[np.int64]
    means: NDArray[np.float64]

    def files(self, weights: NDArray[np.float64], intercept: NDArray[np.float64]) -> dict[str, bytes]:
        """Return the artifact's files for the active terms' weights (t, k)."""
        whole = np.zeros((sum(term.size for term in self.terms), weights.shape[1]))
        shares = np.zeros(len(whole))
        whole[self.positions], shares[self.positions] = weights, self.means
        return linear_files(self.terms, whole, shares, intercept)


def learn_design(columns: tuple[ModelColumn, ...], matrix: NDArray[np.float64]) -> Design:
    """Learn how each column enters, and enter it.

    Numbers are imputed by the median and standardised, with an indicator where nulls occur. Levels rarer than one row in a thousand, or
    five rows, or beyond the 200 most frequent, are folded into one; it and null have a weight where they occur.
    """
    entries = [
        _levels(values) if column.kind == "categorical" else _numeric(values) for column, values in zip(columns, matrix.T, strict=True)
    ]
    starts = np.cumsum([0, *(entry.term.size for entry in entries)])
    positions = [entry.active + start for entry, start in zip(entries, starts[:-1], strict=True)]
    whole = _join(entries, len(matrix))
    means = np.asarray(whole.mean(axis=0), dtype=np.float64).ravel() if whole.shape[1] else np.zeros(0)
    return Design(tuple(entry.term for entry in entries), whole, np.concatenate([np.zeros(0, np.int64), *positions]), means)


@dataclass(frozen=True)
class _Entry:
    """What one column puts into each row: `values` (n, m) in the places `columns` (n, m) among its `active` weights."""

    term: Term
    values: NDArray[np.float64]
    columns: NDArray[np.int64]
    active: NDArray[np.int64]


def _join(entries: list[_Entry], rows: int) -> sparse.csr_array:
    """Put the columns side by side. Every row has as many entries, so the sparse form is written at once: stacking is 5 s slower."""
    offsets = np.cumsum([0, *(len(entry.active) for entry in entries)])
    if not entries:
        return sparse.csr_array((rows, 0))
    values = np.hstack([entry.values for entry in entries])
    columns = np.hstack([entry.columns + offset for entry, offset in zip(entries, offsets[:-1], strict=True)])
    pointers = np.arange(rows + 1) * values.shape[1]
    return sparse.csr_array((values.ravel(), columns.ravel(), pointers), shape=(rows, int(offsets[-1])))


def _numeric(values: NDArray[np.float64]) -> _Entry:
    missing = ~np.isfinite(values)
    present = values[~missing]
    fill = float(np.median(present / 2.0) * 2.0) if len(present) else 0.0  # halved: the middle of two huge numbers must not overflow
    filled = np.where(missing, fill, values)
    size = float(np.abs(filled).max(initial=0.0)) or 1.0
    relative = filled / size
    center, scale = float(relative.mean()) * size, float(relative.std()) * size
    # A column that does not vary has no slope; rounding in its mean must not give it one.
    varies = filled.min() < filled.max() and scale > 1e-12 * size
    term = NumericTerm(fill=fill, center=center, scale=scale if varies else 1.0)
    z = standardised(term, values, missing) if varies else np.zeros(len(values))
    if not missing.any() or missing.all():
        return _Entry(term, z[:, None], np.zeros((len(values), 1), np.int64), np.array([0]))
    both = np.column_stack((z, missing.astype(np.float64)))
    return _Entry(term, both, np.tile(np.arange(2), (len(values), 1)), np.array([0, 2]))


def _levels(values: NDArray[np.float64]) -> _Entry:
    codes = values[values >= 0].astype(np.int64)
    counts = np.bincount(codes) if len(codes) else np.zeros(0, np.int64)
    least = max(_LEAST_ROWS, len(values) // _LEAST_SHARE)
    term = LevelTerm(levels=min(int((counts >= least).sum()), MOST_KEPT_LEVELS))
    where = places(term, values)
    active = np.flatnonzero(np.bincount(where, minlength=term.size))
    return _Entry(term, np.ones((len(values), 1)), np.searchsorted(active, where)[:, None], active)
