"""Gates: a machine's conditions on promotion."""

from decimal import Decimal

from headrace.spec.declaration import Declaration, dollars
from headrace.spec.errors import InvalidOption, UnknownName
from headrace.spec.metrics import METRICS

OPPONENTS = ("champion", "baseline")


class Gate(Declaration, frozen=True, kw_only=True):
    """One condition."""


class Beats(Gate, frozen=True, kw_only=True):
    """Better on the model's metric than an opponent, on the same test rows, by more than chance."""

    opponent: str


class AtLeast(Gate, frozen=True, kw_only=True):
    """A metric is good enough: at least this, or at most for metrics where less is better."""

    metric: str
    value: float


class Slices(Gate, frozen=True, kw_only=True):
    """A metric differs by no more than `max_gap` between the groups of a column; groups too small to tell are reported, not judged."""

    column: str
    metric: str
    max_gap: float


class Latency(Gate, frozen=True, kw_only=True):
    """One prediction in process takes no longer than this, at the 99th percentile."""

    p99_ms: float


class Cost(Gate, frozen=True, kw_only=True):
    """A thousand predictions cost no more than this: the CPU time of features and score, without the server around them."""

    per_1k_usd: Decimal


def beats(opponent: str) -> Beats:
    """Better than `champion` (passes when there is none yet) or `baseline`."""
    if opponent not in OPPONENTS:
        raise UnknownName("opponent", opponent, OPPONENTS)
    return Beats(opponent=opponent)


def at_least(metric: str, value: float) -> AtLeast:
    """A metric is good enough."""
    _require_metric(metric)
    return AtLeast(metric=metric, value=value)


def slices(column: str, metric: str, max_gap: float) -> Slices:
    """A metric is alike between the groups of a given column."""
    _require_metric(metric)
    return Slices(column=column, metric=metric, max_gap=max_gap)


def latency(p99_ms: float) -> Latency:
    """One prediction is quick enough."""
    if p99_ms <= 0:
        raise InvalidOption("p99_ms of gate.latency()", p99_ms, "milliseconds above zero")
    return Latency(p99_ms=p99_ms)


def cost(per_1k_usd: float | str | Decimal) -> Cost:
    """A thousand predictions are cheap enough: features and score in process, before there is a server; `headrace cost` tells the whole."""
    amount = dollars(per_1k_usd)
    if amount is None or amount <= 0:
        raise InvalidOption("per_1k_usd of gate.cost()", per_1k_usd, "an amount above zero")
    return Cost(per_1k_usd=amount)


def _require_metric(metric: str) -> None:
    if metric not in METRICS:
        raise UnknownName("metric", metric, METRICS)
