"""The clock, injectable: nothing in Headrace asks the operating system for the time except through it."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present moment, aware, UTC, microseconds."""
        ...

    def ticks(self) -> float:
        """Return seconds that only go forward, as time goes by, whatever becomes of the moment; from no moment in particular."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def ticks(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that stands where it is put, and ticks as it is moved: for replays and tests."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def ticks(self) -> float:
        return self.now().timestamp()
