"""Trying again: faults that may pass, a few times, with pauses that double and are blurred."""

import dataclasses
import random
from collections.abc import Callable
from typing import TypeVar

from headrace.core.errors import SystemFault
from headrace.core.storage import named_fault

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Patience:
    """How often to try, and how long to wait after the first failure; twice as long after each next.

    Each pause is between half and one and a half of that: processes that failed together do not come back together. `home` is where
    work mostly writes to: the place that a full disk is told by, where its error tells none.
    """

    attempts: int = 3
    first_pause_seconds: float = 1.0
    home: str = ""

    def pause_seconds(self, failed: int) -> float:
        """Return how long to wait after so many failures."""
        return self.first_pause_seconds * 2.0 ** (failed - 1) * random.uniform(0.5, 1.5)

    def try_again(self, work: Callable[[], T], wait: Callable[[float], object]) -> T:
        """Return what the work gives. `wait` is called with the seconds of each pause; what it raises ends the trying.

        Raises:
            SystemFault: the last one, when it may pass but did not; at once, when it does not pass by itself, as a full disk does not.
            Exception: whatever else the work raised, at once.
        """
        failed = 0
        while True:
            try:
                return work()
            except (SystemFault, OSError) as error:
                fault = named_fault(error, self.home)
                failed += 1
                if not isinstance(fault, SystemFault) or not fault.passing or failed >= self.attempts:
                    raise fault from error.__cause__ if fault is error else error
            wait(self.pause_seconds(failed))
