"""Learning by event: what learning and scoring a row take of the processor, ours and River's, in turns on the same rows.

The logistic regressions do the same steps; the trees are the same tree, of which only the scoring is ours.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from river import linear_model, optim, preprocessing, tree

from benchmarks.report import Line
from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.hoeffding import tree_row
from headrace.models.predictor import load_predictor
from headrace.training.online.logistic import LogisticLearner
from headrace.training.online.tree import HoeffdingLearner

ROWS, TURNS = 10_000, 3
NUMBERS, LEVELS = 14, 16
COLUMNS = (
    *(ModelColumn(f"x{number}", "numeric") for number in range(NUMBERS)),
    *(ModelColumn(f"c{number}", "categorical", tuple(map(str, range(LEVELS)))) for number in range(2)),
)
GROWING = {"grace_period": 200, "delta": 1e-5, "tau": 0.05, "max_depth": 20}


def lines(_: Path) -> list[Line]:
    """Return the measurements as lines of a table."""
    vectors, targets = _rows()
    logistic = [_logistic(vectors, targets) for _ in range(TURNS)]
    trees = [_tree(vectors, targets) for _ in range(TURNS)]
    what = ("logistic, learnt", "logistic, scored")
    found = [_line(name, [turn[place] for turn in logistic]) for place, name in enumerate(what)]
    return [*found, _line("tree, scored", trees)]


def _rows() -> tuple[list[list[float]], list[float]]:
    rng = np.random.default_rng(1)
    numbers, levels = rng.normal(size=(ROWS, NUMBERS)), rng.integers(0, LEVELS, (ROWS, 2)).astype(np.float64)
    raw: NDArray[np.float64] = numbers @ rng.normal(size=NUMBERS) + (levels[:, 0] < 4) + rng.normal(size=ROWS)
    return np.hstack((numbers, levels)).tolist(), (raw > 1).astype(np.float64).tolist()


def _logistic(vectors: list[list[float]], targets: list[float]) -> tuple[tuple[float, float], ...]:
    """Return (ours, River's) seconds of learning, and of scoring."""
    own = LogisticLearner.new(COLUMNS, 1, {"learning_rate": 0.05, "l2": 1.0})
    scaler = preprocessing.StandardScaler()
    river = linear_model.LogisticRegression(optimizer=optim.FTRLProximal(alpha=0.05, l2=1.0), intercept_lr=0.0)

    def entered(vector: list[float]) -> dict[object, float]:
        found = scaler.transform_one(dict(enumerate(vector[:NUMBERS])))
        return {**found, "bias": 1.0, ("c0", vector[NUMBERS]): 1.0, ("c1", vector[NUMBERS + 1]): 1.0}

    def learn_by_river(vector: list[float], target: float) -> None:
        scaler.learn_one(dict(enumerate(vector[:NUMBERS])))
        river.learn_one(entered(vector), target == 1.0)

    learnt = _taken(own.learn, vectors, targets), _taken(learn_by_river, vectors, targets)
    return learnt, (_taken(own.score, vectors), _taken(lambda vector: river.predict_proba_one(entered(vector)), vectors))


def _tree(vectors: list[list[float]], targets: list[float]) -> tuple[float, float]:
    """Return (ours, River's) seconds of scoring."""
    own = HoeffdingLearner.new(COLUMNS, 1, GROWING)
    river = tree.HoeffdingTreeClassifier(nominal_attributes={NUMBERS, NUMBERS + 1}, binary_split=True, **GROWING)
    row = tree_row(COLUMNS)
    for vector, target in zip(vectors, targets, strict=True):
        own.learn(vector, target)
        river.learn_one(dict(enumerate(row(vector))), int(target))
    artifact = Artifact(task="binary", family="hoeffding_tree", columns=COLUMNS, classes=("false", "true"), files=own.files(), details={})
    return _taken(load_predictor(artifact).score_row, vectors), _taken(
        lambda each: river.predict_proba_one(dict(enumerate(row(each)))), vectors
    )


def _taken(work: Callable[..., object], *arguments: Sequence[object]) -> float:
    started = time.process_time()
    for each in zip(*arguments, strict=True):
        work(*each)
    return time.process_time() - started


def _line(what: str, turns: Sequence[tuple[float, float]]) -> Line:
    ours, theirs = (statistics.median(turn[place] for turn in turns) / ROWS * 1e6 for place in (0, 1))
    ratio = statistics.median(river / own for own, river in turns)
    return Line("online_learning", f"{what}, CPU a row", f"{ours:.0f} µs, River {theirs:.0f} µs, {ratio:.1f} x")
