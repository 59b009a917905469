"""That a worker is there: a mark of its own, which it renews while it works, and removes when it ends in order."""

import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import uuid4

import msgspec

from headrace.core.clock import Clock
from headrace.core.moments import microseconds
from headrace.features.stores.contract import Commit, StateStore

_SIGNS = "worker/"
_RENEW_SECONDS = 5.0
_FORGOTTEN = timedelta(days=1)
SILENT = timedelta(seconds=30)
"""After how long without a sign a worker counts as gone, or stuck: it may be at something long."""


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of itself: where it runs, since when, when it said so, and which partitions of which tables it has."""

    host: str
    process: int
    started_us: int
    seen_us: int
    tables: dict[str, list[int]]


class Presence:
    """Gives a worker's signs."""

    def __init__(self, store: StateStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._mark, self._started_us = f"{_SIGNS}{uuid4().hex}", microseconds(clock.now())
        self._renewed = float("-inf")

    @property
    def is_due(self) -> bool:
        """Whether it is time for a sign."""
        return time.monotonic() - self._renewed >= _RENEW_SECONDS

    def begin(self) -> None:
        """Forget workers that have been silent for long: they were killed.

        Raises:
            StoreFault: if the store fails, here and below.
        """
        before = microseconds(self._clock.now() - _FORGOTTEN)
        gone = [name for name, sign in _signs(self._store).items() if sign.seen_us < before]
        if gone:
            self._store.commit(Commit(marks=dict.fromkeys(gone)))

    def renew(self, tables: Mapping[str, Sequence[int]]) -> None:
        """Give a sign: what this worker has now."""
        sign = Sign(
            host=socket.gethostname(),
            process=os.getpid(),
            started_us=self._started_us,
            seen_us=microseconds(self._clock.now()),
            tables={name: sorted(partitions) for name, partitions in tables.items()},
        )
        self._store.commit(Commit(marks={self._mark: msgspec.json.encode(sign)}))
        self._renewed = time.monotonic()

    def end(self) -> None:
        """Take the sign away."""
        self._store.commit(Commit(marks={self._mark: None}))


def workers_of(store: StateStore, table: str) -> list[Sign]:
    """Return the signs of the workers that follow a table, the longest at work first."""
    return sorted((sign for sign in _signs(store).values() if table in sign.tables), key=lambda sign: sign.started_us)


def _signs(store: StateStore) -> dict[str, Sign]:
    return {name: msgspec.json.decode(value, type=Sign) for name, value in store.marks(_SIGNS).items()}
