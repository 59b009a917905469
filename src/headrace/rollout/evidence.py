"""What gates judge: plain values that were measured on the test rows, on the machine and on the price list."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec


class Measured(msgspec.Struct, frozen=True):
    """A metric with its confidence interval, in the metric's own units."""

    value: float
    low: float
    high: float


class Difference(msgspec.Struct, frozen=True):
    """Candidate minus opponent, on the same test rows, in the metric's own units.

    `low` and `high` bound it at confidence `level`, which the caller has already widened for the number of looks at these test rows
    (Bonferroni: 1 - alpha / looks; Dunn, Multiple Comparisons Among Means, JASA 1961).
    """

    difference: float
    low: float
    high: float
    level: float


class SliceMetric(msgspec.Struct, frozen=True):
    """A metric within one group. `support` is the number of rows that it rests on: for recall the positives, else the group's rows.

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
        metrics: metrics on the test rows, by name.
        differences: against `"baseline"` and `"champion"`, on `metric`.
        champion: the champion's name, or None when there is none yet.
        look: how many times these test rows have now been looked at, this time included.
        slices: for each (column, metric), the groups.
        latency_p99_ms: one prediction in process, 99th percentile, in milliseconds.
        cost_per_1k_usd: what a thousand predictions cost.
    """

    metric: str
    metrics: Mapping[str, Measured]
    differences: Mapping[str, Difference]
    champion: str | None = None
    look: int = 1
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
