"""Linear models: ridge, logistic and multinomial regression.

`design.json` says what becomes of each column, `weights.npy` (t, k) holds a weight for each term and output, `intercept.npy` (k,) the
rest. A numeric column is imputed, standardised and weighted, and adds one of two constants for being present or missing; a categorical
column adds one weight of a table, with places for other levels and for null. Terms are centred on the training rows, so that the
intercept is the mean raw score.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.core.units import counted
from headrace.models.arrays import load_array
from headrace.models.artifact import Artifact
from headrace.models.errors import BrokenArtifact
from headrace.models.links import expit, probabilities, softmax

FARTHEST = 1e6
"""Standardised values are held within this, so that no input, however wild, gives a score that is not a number."""


# One column of one row, as `_added` does it for a matrix: nothing of the artifact is in the text but a number of levels.
_NUMERIC_LINES = (
    "missing = v{n} - v{n} != 0.0",
    "z = ((fill{n} if missing else v{n}) - center{n}) / scale{n}",
    "if z > farthest: z = farthest",
    "elif z < -farthest: z = -farthest",
    "raw += z * slope{n} + (absent{n} if missing else present{n})",
)
_LEVEL_LINE = "raw += table{n}[{levels} + 1 if v{n} != v{n} else int(v{n}) if 0 <= v{n} < {levels} else {levels}]"


class NumericTerm(msgspec.Struct, frozen=True, tag="numeric"):
    """Three weights: slope, constant when present, constant when missing."""

    fill: float
    center: float
    scale: float

    size = 3


class LevelTerm(msgspec.Struct, frozen=True, tag="levels"):
    """A weight for each known level, then one for any other and one for null."""

    levels: Annotated[int, msgspec.Meta(ge=0)]

    @property
    def size(self) -> int:
        """The number of weights."""
        return self.levels + 2


Term = NumericTerm | LevelTerm


class LinearPredictor:
    """Scores a linear artifact: additions in the order of the columns, so that a row gives the bits of its matrix."""

    def __init__(self, artifact: Artifact) -> None:
        self._task = artifact.task
        self._terms = _load_terms(artifact)
        weights, intercept = load_array(artifact, "weights.npy"), load_array(artifact, "intercept.npy")
        outputs = len(artifact.classes) if artifact.task == "multiclass" else 1
        if weights.shape != (sum(term.size for term in self._terms), outputs) or intercept.shape != (outputs,):
            raise BrokenArtifact(artifact.family, "weights.npy", f"has the shape {weights.shape} with an intercept of {intercept.shape}")
        self._intercept = intercept
        bounds = np.cumsum([0, *(term.size for term in self._terms)])
        self._weights = [weights[start:stop] for start, stop in itertools.pairwise(bounds)]
        self._bias_row = intercept.tolist()
        self._weights_row = [block.T.tolist() for block in self._weights]
        self._raw = None if artifact.task == "multiclass" else _raw_function(self._terms, self._weights_row, self._bias_row[0])

    def scores(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Predictor.scores`."""
        raw = np.tile(self._intercept, (len(matrix), 1))
        for term, weights, values in zip(self._terms, self._weights, matrix.T, strict=True):
            raw += _added(term, weights, values)
        if self._task == "multiclass":
            return probabilities(raw)
        return probabilities(raw[:, 0]) if self._task == "binary" else raw[:, 0]

    def score_row(self, vector: list[float]) -> float | tuple[float, ...]:
        """See `Predictor.score_row`. Plain Python: for a dozen columns it is quicker than NumPy."""
        if self._raw is None:
            return softmax(self._raw_scores(vector))
        raw = self._raw(vector)
        return expit(raw) if self._task == "binary" else raw

    def _raw_scores(self, vector: list[float]) -> list[float]:
        """Return a raw score for each class."""
        raw = list(self._bias_row)
        for term, weights, value in zip(self._terms, self._weights_row, vector, strict=True):
            if isinstance(term, NumericTerm):
                missing = value - value != 0.0
                z = ((term.fill if missing else value) - term.center) / term.scale
                z = min(max(z, -FARTHEST), FARTHEST)
                for output, (slope, present, absent) in enumerate(weights):
                    raw[output] += z * slope + (absent if missing else present)
            else:
                place = term.levels + 1 if value != value else int(value) if 0 <= value < term.levels else term.levels
                for output, table in enumerate(weights):
                    raw[output] += table[place]
        return raw

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Predictor.contributions`."""
        result = np.empty((len(matrix), len(self._intercept), len(self._terms) + 1))
        for index, (term, weights) in enumerate(zip(self._terms, self._weights, strict=True)):
            result[:, :, index] = _added(term, weights, matrix[:, index])
        result[:, :, -1] = self._intercept
        return result if self._task == "multiclass" else result[:, 0, :]


def _raw_function(terms: Sequence[Term], weights: Sequence[list[list[float]]], bias: float) -> Callable[[list[float]], float]:
    """Return a function written for these terms that gives the one raw score of a row: it takes a third of the time of a loop over them."""
    scope: dict[str, Any] = {"bias": bias, "farthest": FARTHEST}
    lines = [f"[{', '.join(f'v{index}' for index in range(len(terms)))}] = vector", "raw = bias"]
    for index, (term, (row,)) in enumerate(zip(terms, weights, strict=True)):
        if isinstance(term, NumericTerm):
            scope |= {f"fill{index}": term.fill, f"center{index}": term.center, f"scale{index}": term.scale}
            scope |= dict(zip((f"slope{index}", f"present{index}", f"absent{index}"), row, strict=True))
            lines += [line.format(n=index) for line in _NUMERIC_LINES]
        else:
            scope[f"table{index}"] = row
            lines.append(_LEVEL_LINE.format(n=index, levels=term.levels))
    source = "\n    ".join(["def score(vector):", *lines, "return raw\n"])
    exec(compile(source, "<headrace linear model>", "exec"), scope)  # noqa: S102 - written above; nothing of the artifact but counts enters the text
    return scope["score"]  # type: ignore[no-any-return]  # what exec made


def _load_terms(artifact: Artifact) -> tuple[Term, ...]:
    try:
        terms = msgspec.json.decode(artifact.file("design.json"), type=tuple[Term, ...])
    except msgspec.DecodeError as error:
        raise BrokenArtifact(artifact.family, "design.json", f"cannot be read ({error})") from error
    if len(terms) != len(artifact.columns):
        raise BrokenArtifact(
            artifact.family, "design.json", f"has {counted(len(terms), 'term')} for {counted(len(artifact.columns), 'column')}"
        )
    return terms


def _added(term: Term, weights: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what one column adds to each raw score, (n, k). An infinite number counts as missing."""
    if isinstance(term, LevelTerm):
        table: NDArray[np.float64] = weights[places(term, values)]
        return table
    missing = ~np.isfinite(values)
    added: NDArray[np.float64] = standardised(term, values, missing)[:, None] * weights[0]
    added += np.where(missing[:, None], weights[2], weights[1])
    return added


def standardised(term: NumericTerm, values: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return imputed and standardised values (n,)."""
    with np.errstate(over="ignore"):  # a difference beyond float64 becomes infinite, and is then held to FARTHEST
        z = (np.where(missing, term.fill, values) - term.center) / term.scale
    held: NDArray[np.float64] = np.clip(z, -FARTHEST, FARTHEST)
    return held


def places(term: LevelTerm, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place (n,) of each code in the table: itself, else the one for other levels, else the one for null."""
    known = (values >= 0) & (values < term.levels)
    codes = np.where(known, values, float(term.levels)).astype(np.int64)
    return np.where(np.isnan(values), term.levels + 1, codes)
