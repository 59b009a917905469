"""Gates judged on evidence. Pure: no clock, no store, no randomness."""

import math
from decimal import Decimal

import msgspec

from headrace.core.money import format_usd
from headrace.core.units import counted
from headrace.rollout.errors import MissingEvidence
from headrace.rollout.evidence import Evidence, GateResult
from headrace.spec.gate import AtLeast, Beats, Cost, Gate, Latency, Slices
from headrace.spec.metrics import METRICS
from headrace.stats.bootstrap import Interval

MINIMUM_SUPPORT = 100
"""Groups that rest on fewer rows are reported, not judged: at 100 the standard error of a share is still up to 0.05."""
FEWEST_TO_COMPARE = 10
"""Nothing beats anything on fewer rows: two and two that are ranked right by luck, one time in six, resample to certainty."""
_ROUNDING = 1e-12  # 0.9 - 0.7 is a hair above 0.2 in binary


def judge(gates: tuple[Gate, ...], evidence: Evidence, minimum_support: int = MINIMUM_SUPPORT) -> tuple[GateResult, ...]:
    """Judge each gate, in order.

    `minimum_support` is the number of rows that a group's metric must rest on to be judged by `gate.slices`.

    Raises:
        MissingEvidence: for a gate whose evidence is absent or not a number: nothing passes for want of a measurement.
    """
    return tuple(_judge_one(gate, evidence, minimum_support) for gate in gates)


def title(gate: Gate) -> str:
    """Return the gate's condition as people read it.

    >>> title(Beats(opponent="champion"))
    'beats champion'
    """
    match gate:
        case Beats():
            return f"beats {gate.opponent}"
        case AtLeast():
            return f"{gate.metric} {'at least' if METRICS[gate.metric].higher_is_better else 'at most'} {gate.value:g}"
        case Slices():
            return f"{gate.metric} alike across {gate.column}"
        case Latency():
            return "latency"
        case Cost():
            return "cost"
        case _:
            raise TypeError(f"no rule judges a gate of type {type(gate).__name__}")


def _judge_one(gate: Gate, evidence: Evidence, minimum_support: int) -> GateResult:
    match gate:
        case Beats():
            return _beats(gate, evidence)
        case AtLeast():
            return _at_least(gate, evidence)
        case Slices():
            return _slices(gate, evidence, minimum_support)
        case Latency():
            return _latency(gate, evidence)
        case Cost():
            return _cost(gate, evidence)
        case _:
            raise TypeError(f"no rule judges a gate of type {type(gate).__name__}")


def _beats(gate: Beats, evidence: Evidence) -> GateResult:
    needed = f"{evidence.metric} better than the {gate.opponent}'s by more than chance"
    if gate.opponent == "champion" and evidence.champion is None:
        return GateResult(title(gate), True, "there is no champion yet", needed, {"champion": None})
    support, opponent = evidence.support, f"champion {evidence.champion}" if gate.opponent == "champion" else gate.opponent
    if gate.opponent in evidence.supports:
        support = evidence.supports[gate.opponent]
        if support < FEWEST_TO_COMPARE:
            few = f"of the {evidence.rows} whose answers the {opponent} had not learnt {support:,} count: too few to tell"
            details: dict[str, object] = {"opponent": gate.opponent, "champion": evidence.champion, "support": support}
            return GateResult(title(gate), False, few, needed, details)
    missing = MissingEvidence(
        title(gate), f"no difference against the {gate.opponent} was measured", "Evaluate both on the same test rows."
    )
    value, low, high = _bounds(gate, evidence.differences.get(gate.opponent), missing)
    looks = counted(evidence.look, "look")
    verb = "better" if value >= 0 else "worse"
    measured = (
        f"{abs(value):.4f} {verb} than the {opponent}, between {low:+.4f} and {high:+.4f} "
        f"({evidence.level:.1%} interval, adjusted for {looks} at the {evidence.rows})"
    )
    details = {
        "opponent": gate.opponent, "champion": evidence.champion, "metric": evidence.metric, "better_by": value, "low": low, "high": high,
        "level": evidence.level, "look": evidence.look, "support": support,
    }  # fmt: skip
    if gate.opponent in evidence.supports:
        measured += f"; on the {evidence.rows} whose answers the {gate.opponent} had not learnt, {support:,} that count"
    if support < FEWEST_TO_COMPARE:
        measured += f"; it rests on {counted(support, 'row')}, too few to tell"
    return GateResult(title(gate), low > 0 and support >= FEWEST_TO_COMPARE, measured, needed, details)


def _at_least(gate: AtLeast, evidence: Evidence) -> GateResult:
    measured = ", ".join(sorted(evidence.metrics)) or "nothing"
    missing = MissingEvidence(title(gate), f"{gate.metric!r} has no value", f"Name a metric that fits the task. Measured: {measured}.")
    value, low, high = _bounds(gate, evidence.metrics.get(gate.metric), missing)
    higher = METRICS[gate.metric].higher_is_better
    return GateResult(
        title(gate),
        value >= gate.value if higher else value <= gate.value,
        f"{value:.4f}, between {low:.4f} and {high:.4f}",
        f"{'at least' if higher else 'at most'} {gate.value:g}",
        {"metric": gate.metric, "value": value, "low": low, "high": high, "bound": gate.value, "higher_is_better": higher},
    )


def _bounds(gate: Gate, found: Interval | None, missing: MissingEvidence) -> tuple[float, float, float]:
    if found is None or found.value is None or found.low is None or found.high is None:
        raise missing
    _require_finite(gate, found.value, found.low, found.high)
    return found.value, found.low, found.high


def _slices(gate: Slices, evidence: Evidence, minimum_support: int) -> GateResult:
    groups = evidence.slices.get((gate.column, gate.metric))
    if groups is None:
        raise MissingEvidence(
            title(gate), f"{gate.metric!r} was not measured by {gate.column!r}", "Evaluate the slices on the test rows, then judge again."
        )
    _require_finite(gate, *(group.value for group in groups if group.value is not None))
    judged = sorted((group.value, group.group) for group in groups if group.value is not None and group.support >= minimum_support)
    small = [group.group for group in groups if group.value is None or group.support < minimum_support]
    gap = judged[-1][0] - judged[0][0] if len(judged) > 1 else None
    if gap is None:
        measured = f"{len(judged)} of {counted(len(groups), 'group rests', 'groups rest')} on enough rows: there is nothing to compare"
    else:
        (lowest, lowest_group), (highest, highest_group) = judged[0], judged[-1]
        measured = f"gap {gap:.3f}: {lowest_group} {lowest:.3f}, {highest_group} {highest:.3f}, over {counted(len(judged), 'group')}"
        measured += f"; too small to tell: {', '.join(small)}" if small else ""
    return GateResult(
        title(gate),
        gap is not None and gap <= gate.max_gap + _ROUNDING,
        measured,
        f"a gap of at most {gate.max_gap:g} between groups that rest on {minimum_support} rows or more",
        {
            "column": gate.column, "metric": gate.metric, "max_gap": gate.max_gap, "minimum_support": minimum_support, "gap": gap,
            "too_small": small, "groups": [msgspec.to_builtins(group) for group in groups],
        },
    )  # fmt: skip


def _latency(gate: Latency, evidence: Evidence) -> GateResult:
    found = evidence.latency_p99_ms
    if found is None:
        raise MissingEvidence(title(gate), "no latency was measured", "Time single predictions in process, then judge again.")
    _require_finite(gate, found)
    details: dict[str, object] = {"p99_ms": found, "bound_ms": gate.p99_ms}
    return GateResult(
        title(gate), found <= gate.p99_ms, f"{found:.3g} ms in process at the 99th percentile", f"at most {gate.p99_ms:g} ms", details
    )


def _cost(gate: Cost, evidence: Evidence) -> GateResult:
    found = evidence.cost_per_1k_usd
    if found is None:
        raise MissingEvidence(title(gate), "the cost of predictions was not measured", "Meter predictions in process, then judge again.")
    if not isinstance(found, Decimal) or not found.is_finite():
        raise MissingEvidence(title(gate), f"the measured cost is {found!r}", "Pass a finite Decimal in USD.")
    needed = f"at most {format_usd(gate.per_1k_usd)} per 1,000 predictions"
    details: dict[str, object] = {"per_1k_usd": str(found), "bound_usd": str(gate.per_1k_usd)}
    return GateResult(title(gate), found <= gate.per_1k_usd, f"{format_usd(found)} per 1,000 predictions in process", needed, details)


def _require_finite(gate: Gate, *values: float) -> None:
    for value in values:
        if not math.isfinite(value):
            raise MissingEvidence(title(gate), f"a measurement is {value}", "Find out why the evaluation gave no number, then judge again.")
