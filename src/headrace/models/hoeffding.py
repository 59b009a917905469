"""Hoeffding trees (Hulten, Spencer & Domingos, 2001), scored as River scores them, to the last bit, without River.

A leaf answers with the shares of its classes, or with naive Bayes over what it saw of each column where that was right as often.
"""

import math
from collections.abc import Callable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.errors import BrokenArtifact
from headrace.models.hoeffding_nodes import Branch, Leaf, LevelBranch, Levels, Node, Numbers, TreeState, total_weight

TREE_FILE = "tree.json"
MOST_LEVELS = 64
"""Of a column's levels the most frequent ones, up to this, are told apart: the work of a split grows with their square."""
FARTHEST = 1e140
"""Numbers are held within this, so that no square overflows."""
_HALF_LOG_TAU = 0.5 * math.log(math.tau)
_LEAST = 1e-15

Row = list[float | int | None]
Votes = dict[int, float]


def tree_row(columns: tuple[ModelColumn, ...]) -> Callable[[list[float]], Row]:
    """Return what makes of an encoded row that which a tree sees: a number, or None for a missing one; of levels and flags a code.

    Levels beyond the most frequent share the next code with those that the column does not know, null has the one after it.
    """
    most = [_codes(column) for column in columns]

    def row(vector: list[float]) -> Row:
        return [
            (None if value - value != 0.0 else max(-FARTHEST, min(FARTHEST, value)))
            if levels is None
            else (levels + 1 if value != value else int(value) if 0 <= value < levels else levels)
            for levels, value in zip(most, vector, strict=True)
        ]

    return row


def _codes(column: ModelColumn) -> int | None:
    if column.kind == "numeric":
        return None
    return 2 if column.kind == "boolean" else min(len(column.categories), MOST_LEVELS)


def decode_tree(artifact: Artifact) -> TreeState:
    """Return the tree of an artifact.

    Raises:
        BrokenArtifact: if it does not hold one, or one of other columns or classes.
    """
    try:
        state = msgspec.json.decode(artifact.file(TREE_FILE), type=TreeState)
    except msgspec.DecodeError as error:
        raise BrokenArtifact(artifact.family, TREE_FILE, f"cannot be read ({error})") from error
    places, codes = range(len(artifact.columns)), range(len(artifact.classes))
    for node in _nodes(state.root):
        features = [node.feature] if not isinstance(node, Leaf) else [feature for feature, _ in node.seen or ()]
        if not all(feature in places for feature in features) or not all(code in codes for code in (*node.weights, *state.classes)):
            raise BrokenArtifact(artifact.family, TREE_FILE, "is of other columns or classes")
    return state


class HoeffdingPredictor:
    """Scores `tree.json`."""

    def __init__(self, artifact: Artifact) -> None:
        state = decode_tree(artifact)
        self._row, self._root = tree_row(artifact.columns), None if state.root is None else _ready(state.root)
        self._classes, self._several = len(artifact.classes), artifact.task == "multiclass"

    def scores(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Predictor.scores`."""
        scored = [self.score_row(vector.tolist()) for vector in matrix]
        return np.array(scored, dtype=np.float64).reshape((len(matrix), self._classes) if self._several else len(matrix))

    def score_row(self, vector: list[float]) -> float | tuple[float, ...]:
        """See `Predictor.score_row`."""
        votes = self._votes(self._row(vector))
        return tuple(votes.get(code, 0.0) for code in range(self._classes)) if self._several else votes.get(1, 0.0)

    def _votes(self, row: Row) -> Votes:
        node = self._root
        while isinstance(node, _Fork):
            node = node.next(row)
        return {} if node is None else node.votes(row)

    def contributions(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Predictor.contributions`: a split adds to its column what the classes' log-shares change by from node to node (Saabas,
        2014), naive Bayes adds to each column its likelihood. Shares of 0 count as 1e-15."""
        result = np.zeros((len(matrix), self._classes, matrix.shape[1] + 1))
        for parts, vector in zip(result, matrix, strict=True):
            self._explain(self._row(vector.tolist()), parts)
        return result if self._several else result[:, 1] - result[:, 0]

    def _explain(self, row: Row, parts: NDArray[np.float64]) -> None:
        """Add up what a row's columns say for each class (k, p + 1), the root's shares last."""
        node = self._root
        if node is None:
            return
        before = _log_shares(node.shares, self._classes)
        parts[:, -1] = before
        while isinstance(node, _Fork):
            feature, node = node.feature, node.next(row)
            now = _log_shares(node.shares, self._classes)
            parts[:, feature] += now - before
            before = now
        votes = node.votes(row)
        said = _log_shares({code: votes.get(code, 0.0) for code in range(self._classes)}, self._classes)
        parts += node.explained(row, said - before, parts.shape)


def _log_shares(shares: Votes, classes: int) -> NDArray[np.float64]:
    """Return logarithms of shares (k,)."""
    return np.log([max(_LEAST, shares.get(code, 0.0)) for code in range(classes)])


def _nodes(node: Node | None) -> Iterator[Node]:
    if node is not None:
        yield node
        if not isinstance(node, Leaf):
            yield from _nodes(node.left)
            yield from _nodes(node.right)


class _Fork:
    """A branch, ready to be asked."""

    def __init__(self, branch: Branch) -> None:
        self.feature, self.shares = branch.feature, _shares(branch.weights)
        self._by_level = isinstance(branch, LevelBranch)
        self._edge: float = branch.level if isinstance(branch, LevelBranch) else branch.threshold
        self._left, self._right = _ready(branch.left), _ready(branch.right)
        self._commoner = self._right if total_weight(branch.left) < total_weight(branch.right) else self._left

    def next(self, row: Row) -> "_Fork | _End":
        """Return where a row goes: without the number, where most went."""
        value = row[self.feature]
        if value is None:
            return self._commoner
        return self._left if (value == self._edge if self._by_level else value <= self._edge) else self._right


class _End:
    """A leaf, ready to be asked."""

    def __init__(self, leaf: Leaf) -> None:
        self.shares = _shares(leaf.weights)
        self._bayes = None if leaf.seen is None or leaf.bayes < leaf.majority else _Bayes(leaf)

    def votes(self, row: Row) -> Votes:
        """Return a probability for each class that was seen here."""
        return self.shares if self._bayes is None else self._bayes.votes(row)

    def explained(self, row: Row, said: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
        """Return how the columns (k, p + 1) share in what naive Bayes says here beyond the shares of the classes."""
        parts = np.zeros(shape)
        if self._bayes is not None:
            for feature, code, likelihood in self._bayes.likelihoods(row):
                parts[code, feature] += likelihood
            parts -= parts.mean(axis=0)  # what a column says of all classes alike tells none from another
        parts[:, -1] = said - parts.sum(axis=1)
        return parts


class _Bayes:
    """Naive Bayes of a leaf: what can be is computed once, in River's order of operations."""

    def __init__(self, leaf: Leaf) -> None:
        total = sum(leaf.weights.values())
        self._priors = {} if not total else {code: math.log(each / total) if each > 0 else None for code, each in leaf.weights.items()}
        self._columns = [(feature, _likelihoods(seen)) for feature, seen in leaf.seen or ()]

    def votes(self, row: Row) -> Votes:
        """Return a probability for each class."""
        votes = {}
        for code, prior in self._priors.items():
            if prior is None:  # River gives a class that lost all its weight the logarithm of 1
                votes[code] = 0.0
                continue
            vote = prior
            for feature, likelihood in self._columns:
                if (value := row[feature]) is not None and (said := likelihood(value, code)) > -math.inf:
                    vote += said
            votes[code] = vote
        if not votes:
            return votes
        greatest = max(votes.values())
        whole = greatest + math.log(sum(math.exp(each - greatest) for each in votes.values()))
        return {code: math.exp(each - whole) for code, each in votes.items()}

    def likelihoods(self, row: Row) -> Iterator[tuple[int, int, float]]:
        """Yield column, class and logarithm of the likelihood, where it is above 0."""
        for code, prior in self._priors.items():
            for feature, likelihood in self._columns if prior is not None else ():
                if (value := row[feature]) is not None and (said := likelihood(value, code)) > -math.inf:
                    yield feature, code, said


def _likelihoods(seen: Numbers | Levels) -> Callable[[float | int, int], float]:
    """Return the logarithm of the likelihood of a value in a class; minus infinity where nothing is known."""
    if isinstance(seen, Levels):
        return _of_levels(seen)
    known = {}
    for code, normal in seen.classes.items():
        variance = normal.squares / (normal.count - 1) if normal.count > 1 else 0.0
        if variance > 0.0:
            known[code] = (normal.mean, -2.0 * variance, 0.5 * math.log(variance))

    def number(value: float | int, code: int) -> float:
        if code not in known:
            return -math.inf
        mean, spread, height = known[code]
        return (value - mean) ** 2 / spread - _HALF_LOG_TAU - height

    return number


def _of_levels(seen: Levels) -> Callable[[float | int, int], float]:
    totals = {code: sum(table.values()) for code, table in seen.classes.items()}
    known = {code: {level: _log(each / totals[code]) for level, each in table.items()} for code, table in seen.classes.items()}
    return lambda value, code: known.get(code, {}).get(int(value), -math.inf)


def _log(share: float) -> float:
    return math.log(share) if share > 0 else -math.inf


def _shares(weights: Votes) -> Votes:
    """Return shares as River makes them: multiplied by the reciprocal of the sum."""
    total = sum(weights.values())
    return {code: each * (1 / total) for code, each in weights.items()} if total else dict(weights)


def _ready(node: Node) -> _Fork | _End:
    return _End(node) if isinstance(node, Leaf) else _Fork(node)
