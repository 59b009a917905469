"""River's Hoeffding tree, one row after the other, kept as plain values between times.

River keeps the levels that a leaf met in a set, whose order is not that in which they came: a tree that was put down and taken up again
could settle a tie between two splits otherwise. So leaves here keep them in a table; nothing else of River is changed.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from river.proba import Gaussian
from river.stats import Mean, Var
from river.tree import HoeffdingTreeClassifier
from river.tree.nodes.branch import NominalBinaryBranch, NumericBinaryBranch
from river.tree.nodes.htc_nodes import LeafNaiveBayesAdaptive
from river.tree.splitter import GaussianSplitter
from river.tree.splitter.nominal_splitter_classif import NominalSplitterClassif

from headrace.models.artifact import Artifact, ModelColumn
from headrace.models.hoeffding import TREE_FILE, decode_tree, tree_row
from headrace.models.hoeffding_nodes import Leaf, LevelBranch, Levels, Node, Normal, NumberBranch, Numbers, TreeState
from headrace.models.predictor import Score
from headrace.spec.metrics import MULTICLASS

FAMILY = "hoeffding_tree"
_NEVER = 2**53
"""How many rows until River measures how much memory a tree takes. What it does then depends on more than the rows: never."""


class HoeffdingLearner:
    """A `Learner`."""

    def __init__(self, columns: tuple[ModelColumn, ...], outputs: int, state: TreeState) -> None:
        self._row, self._outputs, self._options = tree_row(columns), outputs, state.options
        self._tree = _Tree(
            nominal_attributes={place for place, column in enumerate(columns) if column.kind != "numeric"},
            binary_split=True,
            memory_estimate_period=_NEVER,
            **state.options,
        )
        self._tree.classes = set(state.classes)
        self._tree._train_weight_seen_by_model = float(state.learned)
        self._tree._n_active_leaves, self._tree._n_inactive_leaves = state.active_leaves, state.inactive_leaves
        self._tree._root = None if state.root is None else _to_river(state.root, self._tree)

    @classmethod
    def new(cls, columns: tuple[ModelColumn, ...], outputs: int, parameters: Mapping[str, float | int]) -> "HoeffdingLearner":
        """Return one that has learnt nothing; `outputs` is the number of classes, or 1 for yes or no, `parameters` have River's names."""
        return cls(
            columns,
            outputs,
            TreeState(options=dict(parameters), learned=0, classes=[], active_leaves=0, inactive_leaves=0, root=None),
        )

    @classmethod
    def restored(cls, artifact: Artifact) -> "HoeffdingLearner":
        """Return the learner that left an artifact, ready to go on.

        Raises:
            BrokenArtifact: if the artifact does not hold one.
        """
        return cls(artifact.columns, len(artifact.classes) if artifact.task == MULTICLASS else 1, decode_tree(artifact))

    @property
    def learned(self) -> int:
        """See `Learner.learned`."""
        return int(self._tree._train_weight_seen_by_model)

    def score(self, vector: list[float]) -> Score:
        """See `Learner.score`."""
        votes = self._tree.predict_proba_one(self._seen(vector))
        return votes.get(1, 0.0) if self._outputs == 1 else tuple(votes.get(code, 0.0) for code in range(self._outputs))

    def learn(self, vector: list[float], target: float) -> None:
        """See `Learner.learn`."""
        self._tree.learn_one(self._seen(vector), int(target))

    def files(self) -> dict[str, bytes]:
        """See `Learner.files`."""
        tree = self._tree
        state = TreeState(
            options=self._options, learned=self.learned, classes=sorted(tree.classes), active_leaves=tree._n_active_leaves,
            inactive_leaves=tree._n_inactive_leaves, root=None if tree._root is None else _from_river(tree._root),
        )  # fmt: skip
        return {TREE_FILE: msgspec.json.encode(state)}

    def _seen(self, vector: list[float]) -> dict[int, float | int]:
        """Return a row as River takes it: what is missing is not there."""
        return {place: value for place, value in enumerate(self._row(vector)) if value is not None}


class _Met(dict[int, None]):
    """A set that keeps the order."""

    def add(self, level: int) -> None:
        self[level] = None


class _LevelSplitter(NominalSplitterClassif):  # type: ignore[misc]  # River has no types
    def __init__(self) -> None:
        super().__init__()
        self._att_values = _Met()


class _Leaf(LeafNaiveBayesAdaptive):  # type: ignore[misc]  # River has no types
    @staticmethod
    def new_nominal_splitter() -> _LevelSplitter:
        return _LevelSplitter()


class _Tree(HoeffdingTreeClassifier):  # type: ignore[misc]  # River has no types
    def _new_leaf(self, initial_stats: dict[int, float] | None = None, parent: Any = None) -> _Leaf:
        return _Leaf({} if initial_stats is None else initial_stats, 0 if parent is None else parent.depth + 1, self.splitter)


def _from_river(node: Any) -> Node:
    if isinstance(node, _Leaf):
        seen = None if node.splitters is None else [(place, _seen_by(each)) for place, each in node.splitters.items()]
        tried, right = node.last_split_attempt_at, (node._mc_correct_weight, node._nb_correct_weight)
        return Leaf(node.depth, dict(node.stats), seen, tried, *right)
    children = [_from_river(child) for child in node.children]
    if isinstance(node, NumericBinaryBranch):
        return NumberBranch(node.depth, dict(node.stats), node.feature, node.threshold, *children)
    return LevelBranch(node.depth, dict(node.stats), node.feature, node.value, *children)


def _seen_by(splitter: Any) -> Numbers | Levels:
    if isinstance(splitter, _LevelSplitter):
        tables = {code: dict(table) for code, table in splitter._att_dist_per_class.items()}
        return Levels(splitter._total_weight_observed, list(splitter._att_values), tables)
    return Numbers(
        {
            code: Normal(
                normal._var.mean.n, normal._var.mean._mean, normal._var._S, splitter._min_per_class[code], splitter._max_per_class[code]
            )
            for code, normal in splitter._att_dist_per_class.items()
        }
    )


def _to_river(node: Node, tree: _Tree) -> Any:
    if isinstance(node, Leaf):
        leaf = _Leaf(dict(node.weights), node.depth, tree.splitter)
        leaf.splitters = None if node.seen is None else {place: _splitter(each) for place, each in node.seen}
        leaf.last_split_attempt_at = node.tried_at
        leaf._mc_correct_weight, leaf._nb_correct_weight = node.majority, node.bayes
        return leaf
    children = [_to_river(child, tree) for child in (node.left, node.right)]
    if isinstance(node, NumberBranch):
        return NumericBinaryBranch(dict(node.weights), node.feature, node.threshold, node.depth, *children)
    return NominalBinaryBranch(dict(node.weights), node.feature, node.level, node.depth, *children)


def _splitter(seen: Numbers | Levels) -> Any:
    if isinstance(seen, Levels):
        levels = _LevelSplitter()
        levels._total_weight_observed = seen.total
        levels._att_values.update(dict.fromkeys(seen.met))
        levels._att_dist_per_class.update({code: dict(table) for code, table in seen.classes.items()})
        return levels
    numbers = GaussianSplitter()
    for code, normal in seen.classes.items():
        numbers._min_per_class[code], numbers._max_per_class[code] = normal.low, normal.high
        numbers._att_dist_per_class[code] = _gaussian(normal)
    return numbers


def _gaussian(normal: Normal) -> Gaussian:
    gaussian = Gaussian()
    gaussian._var = Var(ddof=1)
    gaussian._var.mean = Mean._from_state(normal.count, normal.mean)
    gaussian._var._S = normal.squares
    return gaussian
