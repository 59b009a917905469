from datetime import UTC, datetime, timedelta

import pytest

from headrace.core.clock import FixedClock
from headrace.core.secrets import Secrets
from headrace.ingest.stream.messages import Surroundings

START = datetime(2026, 1, 1, tzinfo=UTC)


class Listening:
    """Keeps positions as a worker does, and notes what it is told."""

    def __init__(self, **positions):
        self.positions = {int(name.removeprefix("p")): position for name, position in positions.items()}
        self.told = []

    def assigned(self, partitions):
        self.told.append(("assigned", sorted(partitions)))
        return {each: self.positions[each] for each in partitions if each in self.positions}

    def revoked(self, partitions):
        self.told.append(("revoked", sorted(partitions)))

    def lost(self, partitions):
        self.told.append(("lost", sorted(partitions)))


class Waiting:
    """A clock that goes on only when somebody waits."""

    def __init__(self):
        self.clock = FixedClock(START)
        self.waits = []

    def wait(self, seconds):
        self.waits.append(seconds)
        self.clock.moment += timedelta(seconds=seconds)


@pytest.fixture
def waiting():
    return Waiting()


@pytest.fixture
def surroundings(tmp_path, waiting):
    return Surroundings(tmp_path, Secrets({}), waiting.clock, waiting.wait)
