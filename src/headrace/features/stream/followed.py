"""How far the tables that a store follows are known."""

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from threading import Lock

from headrace.core.clock import Clock
from headrace.core.moments import microseconds, moment_of
from headrace.features.errors import NotFollowed
from headrace.features.stores.contract import StateStore
from headrace.features.stream.positions import (
    Position,
    filled_mark,
    position_mark,
    position_prefix,
    read_position,
    table_watermark,
)

_RENEW_SECONDS = 5.0


class FollowedTables:
    """Reads the marks of some tables' partitions; which there are is looked up now and then. Thread safe."""

    def __init__(
        self, store: StateStore, spaces: Mapping[str, Collection[str]], clock: Clock, *, filled: Mapping[str, Collection[int]] | None = None
    ) -> None:
        """Take the groups that are read of each table.

        With `filled` it is seen each time that they hold all rows of all partitions, as the marks of whoever fills them say: of those that
        the store knows of, and of those that are named of each table here.
        """
        self._store, self._clock, self._filled = store, clock, filled
        self._spaces = {table: tuple(sorted(groups)) for table, groups in spaces.items()}
        self._lock = Lock()
        self._marks: tuple[str, ...] | None = None
        self._renew_at = 0.0
        self._decoded: dict[str, tuple[bytes, Position]] = {}

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        return tuple(self._spaces)

    def marks(self) -> tuple[str, ...]:
        """Return the names of the marks that `positions` takes. One thread looks them up anew while others go on with those they know."""
        marks = self._marks
        if marks is None:  # nothing is answered before they are known: they say which questions are too early
            with self._lock:
                return self._renewed() if self._marks is None else self._marks
        if time.monotonic() >= self._renew_at and self._lock.acquire(blocking=False):
            try:
                return self._renewed()
            finally:
                self._lock.release()
        return marks

    def newest(self) -> dict[str, datetime | None]:
        """Return the watermark of each table as of now.

        Raises:
            NotFollowed: as `positions` does.
            StoreFault: if the store fails.
        """
        marks = self.marks()
        _, found = self._store.read([], marks)
        return self.watermarks(self.positions(marks, found))

    def positions(self, marks: Sequence[str], found: Sequence[bytes | None]) -> dict[str, list[Position]]:
        """Return the positions of each table's partitions.

        Raises:
            NotFollowed: with `filled`, if there are none of a table, or one of its groups lacks rows.
        """
        positions: dict[str, list[Position]] = {table: [] for table in self._spaces}
        for name, value in zip(marks, found, strict=True):
            if value is None:
                if self._filled is not None:
                    self._renew_at = 0.0
                    raise NotFollowed(name.split("/")[1 if name.startswith("position/") else 2])
            elif name.startswith("position/"):
                positions[name.split("/")[1]].append(self._position(name, value))
        if self._filled is not None:
            for table, theirs in positions.items():
                if not theirs:
                    raise NotFollowed(table)
        return positions

    def watermarks(self, positions: Mapping[str, Sequence[Position]]) -> dict[str, datetime | None]:
        """Return the tables' watermarks; None: any row may still come."""
        return watermarks_of(positions, self._clock.now())

    def _renewed(self) -> tuple[str, ...]:
        marks: list[str] = []
        for table, spaces in self._spaces.items():
            prefix = position_prefix(table)
            followed = {int(name.removeprefix(prefix)) for name in self._store.marks(prefix)}
            for partition in sorted(followed.union((self._filled or {}).get(table, ()))):
                marks.append(position_mark(table, partition))
                if self._filled is not None:
                    marks += [filled_mark(space, partition) for space in spaces]
        self._marks = found = tuple(marks)
        self._renew_at = time.monotonic() + (_RENEW_SECONDS if marks else 0.0)
        return found

    def _position(self, name: str, value: bytes) -> Position:
        known = self._decoded.get(name)
        if known is None or known[0] != value:
            known = self._decoded[name] = (value, read_position(value))
        return known[1]


def watermarks_of(positions: Mapping[str, Sequence[Position]], now: datetime) -> dict[str, datetime | None]:
    """Return the watermarks of tables whose partitions stand so; None: any row may still come."""
    return {table: _moment(table_watermark(theirs, microseconds(now))) for table, theirs in positions.items()}


def _moment(count: int | None) -> datetime | None:
    return None if count is None else moment_of(count)
