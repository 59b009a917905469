"""A Hoeffding tree at rest: what River keeps of one, as plain values, so that it is scored without River and learns on with it.

Classes are their codes and features the places of their columns; a class or a level that is not in a table was never seen there. The
order of tables is that in which River met their keys, which is the order in which it adds them up.
"""

import msgspec

Weights = dict[int, float]
"""A weight for each class."""


class Normal(msgspec.Struct, frozen=True):
    """The values of a number in one class: how many, their mean, the sum of squared differences from it, the least and the greatest."""

    count: float
    mean: float
    squares: float
    low: float
    high: float


class Numbers(msgspec.Struct, frozen=True, tag="numbers"):
    """What a leaf saw of a numeric column."""

    classes: dict[int, Normal]


class Levels(msgspec.Struct, frozen=True, tag="levels"):
    """What a leaf saw of levels: a weight for each, by class. `met` has them in the order of their first coming."""

    total: float
    met: list[int]
    classes: dict[int, Weights]


class Leaf(msgspec.Struct, frozen=True, tag="leaf"):
    """A leaf. `seen` is what it saw of each column, in River's order; None where it looks at classes alone.

    `majority` and `bayes` are the weights of rows that the commonest class and naive Bayes would have got right.
    """

    depth: int
    weights: Weights
    seen: list[tuple[int, Numbers | Levels]] | None
    tried_at: float
    majority: float
    bayes: float


class NumberBranch(msgspec.Struct, frozen=True, tag="number"):
    """To the left with a value up to the threshold."""

    depth: int
    weights: Weights
    feature: int
    threshold: float
    left: "Node"
    right: "Node"


class LevelBranch(msgspec.Struct, frozen=True, tag="level"):
    """To the left with this level."""

    depth: int
    weights: Weights
    feature: int
    level: int
    left: "Node"
    right: "Node"


Branch = NumberBranch | LevelBranch
Node = Leaf | NumberBranch | LevelBranch


class TreeState(msgspec.Struct, frozen=True, kw_only=True):
    """A whole tree, with River's options by its own names."""

    options: dict[str, float | int]
    learned: int
    classes: list[int]
    active_leaves: int
    inactive_leaves: int
    root: Node | None


def total_weight(node: Node) -> float:
    """Return the weight of the rows below, added as River adds it."""
    if isinstance(node, Leaf):
        return sum(node.weights.values()) if node.weights else 0
    return sum(total_weight(child) for child in (node.left, node.right))
