"""Answers that are on their way to a target outside: kept by the commit that makes them, until the target has taken them.

Each target has its own, so that one that is away holds up neither the tables nor another. They are sent in the order of their numbers,
partition by partition, at least once: whoever sends may die before he can say that he did.
"""

from collections import deque
from collections.abc import Collection
from typing import NamedTuple

import polars as pl

from headrace.app.scoring.answers import frame_of
from headrace.core.fingerprints import fingerprint
from headrace.features.stores.contract import Commit, Field, Key, StateStore
from headrace.spec.scoring import Target

MOST_BYTES = 64 << 20
"""Of one target: when more waits, the oldest is given up. The tables have it all the same."""


class Parcel(NamedTuple):
    """Some answers that are to be sent."""

    partition: int
    number: int
    size_bytes: int


def outgoing_space(model: str, target: Target) -> str:
    """Return the space of what waits for a target."""
    return f"outgoing/{model}/{fingerprint(target.place)[:16]}"


class Outgoing:
    """What waits for one target, in the partitions that this worker has. One thread adds, another sends: see `Sending`."""

    def __init__(self, model: str, target: Target, most_bytes: int = MOST_BYTES) -> None:
        self.target = target
        self._space = outgoing_space(model, target)
        self._most_bytes = most_bytes
        self.lanes: dict[int, deque[Parcel]] = {}

    def field(self, partition: int, number: int) -> Field:
        """Return where answers are kept."""
        return Field(*self._key(partition), number.to_bytes(8, "big"))

    def take_over(self, store: StateStore, partition: int) -> None:
        """Take note of what the store holds of a partition."""
        (found,) = store.fields([self._key(partition)])
        self.lanes[partition] = deque(Parcel(partition, int.from_bytes(name, "big"), len(value)) for name, value in found)

    def let_go(self, partitions: Collection[int]) -> None:
        """Leave partitions to others."""
        for partition in partitions:
            self.lanes.pop(partition, None)

    def add(self, partition: int, number: int, size_bytes: int) -> None:
        """Take note that answers wait."""
        if partition in self.lanes:
            self.lanes[partition].append(Parcel(partition, number, size_bytes))

    @property
    def waiting_bytes(self) -> int:
        """How much waits."""
        return sum(each.size_bytes for lane in list(self.lanes.values()) for each in list(lane))

    def next(self) -> list[Parcel]:
        """Return the first of each partition."""
        return [lane[0] for lane in list(self.lanes.values()) if lane]

    def rows(self, store: StateStore, parcel: Parcel) -> pl.DataFrame | None:
        """Return the answers; None: they are gone, since another worker has sent them."""
        (found,) = store.fields([self._key(parcel.partition)], parcel.number.to_bytes(8, "big"))
        return frame_of([value for _, value in found])

    def done(self, store: StateStore, parcel: Parcel) -> None:
        """Forget what was taken, or given up."""
        store.commit(Commit(drop=[self.field(parcel.partition, parcel.number)]))
        lane = self.lanes.get(parcel.partition)
        if lane and lane[0] == parcel:
            lane.popleft()

    def too_many(self) -> list[Parcel]:
        """Return the oldest, of which there is more than is kept."""
        over, found = self.waiting_bytes - self._most_bytes, []
        for parcel in sorted((each for lane in list(self.lanes.values()) for each in list(lane)), key=lambda each: each.number):
            if over <= 0:
                break
            found.append(parcel)
            over -= parcel.size_bytes
        return found

    def _key(self, partition: int) -> Key:
        return self._space, partition.to_bytes(4, "big")
