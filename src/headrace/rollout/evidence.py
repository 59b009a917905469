"""What gates judge: plain values that were measured on the test rows, on the machine and on the price list."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from headrace.stats.bootstrap import Interval


class SliceMetric(msgspec.Struct, frozen=True):
    """A metric within one group. `support` is the number of rows that it rests on: for recall the positives, for accuracy all.

    `value` is None where the metric is not defined, such as the recall of a group without positives.
    """

    group: str
    rows: int
    support: int
    value: float | None


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that gates may ask about one model version.

    Attributes:
        metric: the metric that the model is chosen by.
        metrics: metrics on the test rows, by name, in their own units.
        differences: by opponent, `"baseline"` and `"champion"`: by how much this model is better on `metric`, on the same test rows; above
            zero is better for any metric.
        support: the number of test rows that the metric rests on; supports: that a difference rests on, by opponent, where it was
            measured on some of the rows only.
        level: the confidence level of the differences' intervals, which the caller has already widened for `look` (Bonferroni:
            1 - alpha / looks; Dunn, Multiple Comparisons Among Means, JASA 56, 1961).
        look: how many times these test rows have now been looked at, this time included.
        rows: what these rows are called.
        champion: the champion's name, or None when there is none yet.
        slices: for each (column, metric), the groups.
        latency_p99_ms: one prediction in process, 99th percentile, in milliseconds.
        cost_per_1k_usd: what a thousand predictions cost.
    """

    metric: str
    metrics: Mapping[str, Interval]
    differences: Mapping[str, Interval]
    support: int
    level: float
    look: int = 1
    rows: str = "test rows"
    champion: str | None = None
    supports: Mapping[str, int] = msgspec.field(default_factory=dict)
    slices: Mapping[tuple[str, str], tuple[SliceMetric, ...]] = msgspec.field(default_factory=dict)
    latency_p99_ms: float | None = None
    cost_per_1k_usd: Decimal | None = None


class GateResult(msgspec.Struct, frozen=True):
    """What one gate found: `measured` and `needed` are for people, `details` (JSON values) for programs."""

    gate: str
    passed: bool
    measured: str
    needed: str
    details: dict[str, object]
