"""Logistic regression that learns by event: FTRL-Proximal (McMahan et al., 2013, algorithm 1, without its L1), a step a row.

Each weight has a rate of its own, which falls with what it has learnt, so that a seldom level is still learnt quickly when a frequent
one has settled. Numbers are standardised by the mean and variance of the rows so far (Welford, 1962). What it leaves is a linear
artifact, served and explained as those of the other linear models. Plain Python: of a dozen numbers at a time it is quicker than NumPy.
"""

import math
from collections.abc import Mapping

import msgspec
import numpy as np

from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.errors import BrokenArtifact
from headrace.models.linear import FARTHEST, LevelTerm, NumericTerm, Term
from headrace.models.links import expit, softmax
from headrace.models.predictor import Score
from headrace.training.linear_design import MOST_KEPT_LEVELS
from headrace.training.linear_files import linear_files

FAMILY = "linear"
LEARNER_FILE = "learner.json"
_BETA = 1.0  # as in the paper: the rate of a weight begins at learning_rate / _BETA
_FARTHEST = 1e140
"""Numbers are held within this: the squares of as many as anybody will learn add up to less than the largest double."""


class Spread(msgspec.Struct):
    """The running mean and the sum of squared differences of a numeric column."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    scale: float = 0.0
    """The standard deviation; 0 while all values were the same."""

    def add(self, value: float) -> None:
        """Take one value in."""
        difference = value - self.mean
        self.count = count = self.count + 1
        self.mean = mean = self.mean + difference / count
        self.squares = squares = self.squares + difference * (value - mean)
        self.scale = math.sqrt(squares / count)


class LogisticState(msgspec.Struct):
    """All that there is to know of a learner: `gradients` and `squares` are z and n of the paper, a list an output, a number a weight.

    Weight 0 is the intercept; then come, column by column, a slope and a weight for missing, or a weight for each level, for any other
    and for null. `counts` says how many rows each weight was active in.
    """

    learning_rate: float
    l2: float
    levels: list[int | None]
    learned: int
    spreads: list[Spread]
    counts: list[int]
    gradients: list[list[float]]
    squares: list[list[float]]


class LogisticLearner:
    """A `Learner` of two classes, or of several with a softmax."""

    def __init__(self, state: LogisticState) -> None:
        self._state = state
        self._entries = list(zip(_starts(state.levels), state.levels, state.spreads, strict=True))
        self._weights = [
            [self._weight(gradient, math.sqrt(squares)) for gradient, squares in zip(*each, strict=True)]
            for each in zip(state.gradients, state.squares, strict=True)
        ]

    @classmethod
    def new(cls, columns: tuple[ModelColumn, ...], outputs: int, parameters: Mapping[str, float | int]) -> "LogisticLearner":
        """Return one that has learnt nothing. `outputs` is the number of classes, or 1 for two."""
        levels = [min(len(each.categories), MOST_KEPT_LEVELS) if each.kind == "categorical" else None for each in columns]
        size = 1 + sum(map(_size, levels))
        return cls(
            LogisticState(
                learning_rate=parameters["learning_rate"], l2=parameters["l2"], levels=levels, learned=0,
                spreads=[Spread() for _ in levels], counts=[0] * size,
                gradients=[[0.0] * size for _ in range(outputs)], squares=[[0.0] * size for _ in range(outputs)],
            )
        )  # fmt: skip

    @classmethod
    def restored(cls, artifact: Artifact) -> "LogisticLearner":
        """Return the learner that left an artifact, ready to go on.

        Raises:
            BrokenArtifact: if the artifact does not hold one.
        """
        try:
            return cls(msgspec.json.decode(artifact.file(LEARNER_FILE), type=LogisticState))
        except (msgspec.DecodeError, ValueError) as error:
            raise BrokenArtifact(artifact.family, LEARNER_FILE, f"cannot be read ({error})") from error

    @property
    def learned(self) -> int:
        """See `Learner.learned`."""
        return self._state.learned

    def score(self, vector: list[float]) -> Score:
        """See `Learner.score`."""
        probabilities = self._probabilities(self._entered(vector))
        return probabilities[0] if len(probabilities) == 1 else tuple(probabilities)

    def learn(self, vector: list[float], target: float) -> None:
        """See `Learner.learn`."""
        state = self._state
        for (_, levels, spread), value in zip(self._entries, vector, strict=True):
            if levels is None and value - value == 0.0:
                spread.add(max(-_FARTHEST, min(_FARTHEST, value)))
        state.learned += 1
        active = self._entered(vector)
        counts = state.counts
        for place, _ in active:
            counts[place] += 1
        probabilities = self._probabilities(active)
        for output, probability in enumerate(probabilities):
            wanted = target if len(probabilities) == 1 else float(output == target)
            self._step(output, active, probability - wanted)

    def files(self) -> dict[str, bytes]:
        """See `Learner.files`."""
        weights, counts = np.array(self._weights).T, np.array(self._state.counts)
        terms, whole, shares = [], [np.zeros((0, weights.shape[1]))], [np.zeros(0)]
        for start, levels, spread in self._entries:
            place = slice(start, start + _size(levels))
            terms.append(_term(levels, spread))
            # The artifact's numeric terms have a third weight, for being present; it gets what centring leaves for it.
            whole.append(weights[place] if levels is not None else np.insert(weights[place], 1, 0.0, axis=0))
            shares.append(counts[place] if levels is not None else np.array([0.0, 0.0, counts[start + 1]]))
        share = np.concatenate(shares) / max(1, self._state.learned)
        files = linear_files(tuple(terms), np.concatenate(whole), share, weights[0])
        return {**files, LEARNER_FILE: msgspec.json.encode(self._state)}

    def _entered(self, vector: list[float]) -> list[tuple[int, float]]:
        """Return the weights that a row makes active, and by which number each is multiplied."""
        active = [(0, 1.0)]
        for (start, levels, spread), value in zip(self._entries, vector, strict=True):
            if levels is not None:
                code = levels + 1 if value != value else int(value) if 0 <= value < levels else levels
                active.append((start + code, 1.0))
            elif value - value != 0.0:  # not a number, or infinite
                active.append((start + 1, 1.0))
            elif spread.scale:
                active.append((start, max(-FARTHEST, min(FARTHEST, (value - spread.mean) / spread.scale))))
        return active

    def _probabilities(self, active: list[tuple[int, float]]) -> list[float]:
        raw = [sum([weights[place] * value for place, value in active]) for weights in self._weights]
        return [expit(raw[0])] if len(raw) == 1 else list(softmax(raw))

    def _step(self, output: int, active: list[tuple[int, float]], error: float) -> None:
        state, weights, root_of = self._state, self._weights[output], math.sqrt
        gradients, squares, rate = state.gradients[output], state.squares[output], state.learning_rate
        for place, value in active:
            gradient, before = error * value, squares[place]
            after = before + gradient * gradient
            root = root_of(after)
            total = gradients[place] + (gradient - (root - root_of(before)) / rate * weights[place])
            gradients[place], squares[place] = total, after
            weights[place] = -total / ((_BETA + root) / rate + state.l2)

    def _weight(self, gradient: float, root: float) -> float:
        return -gradient / ((_BETA + root) / self._state.learning_rate + self._state.l2)


def _size(levels: int | None) -> int:
    return 2 if levels is None else levels + 2


def _starts(levels: list[int | None]) -> list[int]:
    """Return where each column's weights begin: the first one is the intercept's."""
    starts, start = [], 1
    for each in levels:
        starts.append(start)
        start += _size(each)
    return starts


def _term(levels: int | None, spread: Spread) -> Term:
    if levels is not None:
        return LevelTerm(levels=levels)
    return NumericTerm(fill=spread.mean, center=spread.mean, scale=spread.scale or 1.0)
