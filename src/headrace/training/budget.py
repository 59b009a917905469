"""What a search may use, and the clock that holds it to that."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from headrace.spec.candidates import Candidate, Tune

TRIALS, TIME, COST = "trials", "time", "cost"


@dataclass(frozen=True, kw_only=True)
class Caps:
    """Caps on one candidate's search. `cost_usd` caps CPU seconds times `usd_per_cpu_second`; None is no cap on cost."""

    trials: int
    seconds: float
    cost_usd: Decimal | None = None
    usd_per_cpu_second: Decimal = Decimal(0)


def searched(candidate: Candidate) -> tuple[str, ...]:
    """Return the names of the parameters that tuning searches."""
    return tuple(name for name, value in candidate.space().items() if isinstance(value, tuple | list) and value[0] != value[1])


def share_caps(tune: Tune, candidates: Sequence[Candidate], usd_per_cpu_second: Decimal = Decimal(0)) -> dict[str, Caps]:
    """Divide a model's caps among its candidates by name, in proportion to the number of parameters that each searches (at least one).

    A candidate without parameters takes one trial off nobody's share. Each candidate is tried once, however few trials there are.
    """
    weights = {candidate.name: max(1, len(searched(candidate))) for candidate in candidates if candidate.space()}
    whole = sum(weights.values()) or 1
    caps = {}
    for candidate in candidates:
        weight = weights.get(candidate.name, whole)
        caps[candidate.name] = Caps(
            trials=max(1, tune.trials * weight // whole) if searched(candidate) else 1,
            seconds=tune.time.total_seconds() * weight / whole,
            cost_usd=None if tune.cost_usd is None else tune.cost_usd * weight / whole,
            usd_per_cpu_second=usd_per_cpu_second,
        )
    return caps


class Budget:
    """Runs from its making. CPU is the whole process's: with other steps beside it a search stops early, never late."""

    def __init__(self, caps: Caps, cpu_seconds: Callable[[], float] = time.process_time) -> None:
        self._caps, self._cpu = caps, cpu_seconds
        self._started, self._cpu_started = time.monotonic(), cpu_seconds()

    @property
    def seconds(self) -> float:
        """Wall seconds so far."""
        return time.monotonic() - self._started

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds so far."""
        return self._cpu() - self._cpu_started

    def left(self) -> Caps:
        """Return what is left for one trial."""
        cost = self._caps.cost_usd
        return Caps(
            trials=1,
            seconds=self._caps.seconds - self.seconds,
            cost_usd=None if cost is None else cost - Decimal(self.cpu_seconds) * self._caps.usd_per_cpu_second,
            usd_per_cpu_second=self._caps.usd_per_cpu_second,
        )

    def spent(self) -> str | None:
        """Return which cap is met, `time` or `cost`; None while neither is."""
        if self.seconds >= self._caps.seconds:
            return TIME
        if self._caps.cost_usd is not None and Decimal(self.cpu_seconds) * self._caps.usd_per_cpu_second >= self._caps.cost_usd:
            return COST
        return None
