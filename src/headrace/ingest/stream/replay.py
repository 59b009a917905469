"""Replay: a source that ends, followed as if it came one row after the other."""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from headrace.core.units import counted
from headrace.ingest.errors import SourceChanged
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.messages import FAILURES, Listener, Messages, Position, Surroundings, arrivals_of
from headrace.ingest.stream.playing import NEVER, Played, rows_to_play
from headrace.spec.streams import Replay
from headrace.spec.tables import Entity, Events

BATCH_ROWS = 10_000
_ONLY = 0
_SECOND = 1_000_000
_ALL_YEARS = 1 << 62
"""More microseconds than lie between any two moments; a speed may be any number."""


class ReplayFollower:
    """Satisfies `Follower` with the rows of another source, in the order in which they became known. There is one partition, 0.

    The offset of a row is its number in that order, so that the same source gives the same messages again. At a `speed` a row comes when
    as much time has gone by, times the speed, as lies between it and the row that this follower began with.
    """

    def __init__(self, table: Events | Entity, listener: Listener, surroundings: Surroundings, *, batch_rows: int = BATCH_ROWS) -> None:
        assert isinstance(table.source, Replay)
        self._table, self._source, self._listener = table, table.source, listener
        self._around, self._batch_rows = surroundings, batch_rows
        self._played: Played | None = None
        self._at = 0
        self._paused = self._closed = False
        self._pace: tuple[float, int] | None = None

    @property
    def trouble(self) -> str:
        return ""

    @property
    def ended(self) -> bool:
        return self._played is not None and self._at >= self._played.frame.height

    @property
    def left_out(self) -> bool:
        return False

    def poll(self, timeout_seconds: float) -> list[Messages]:
        """Return the rows whose time has come, at most `batch_rows` of them.

        Raises:
            SourceChanged: if the position was taken in other rows.
            What `playing.rows_to_play` raises.
        """
        played = self._opened()
        if self._paused or self.ended:
            self._around.wait(timeout_seconds)
            return []
        due = self._due(played)
        if due == self._at:
            self._around.wait(min(timeout_seconds, self._seconds_to(int(played.moments[self._at]))))
            due = self._due(played)
        return [self._messages(played, due)] if due > self._at else []

    def seek(self, positions: Mapping[int, Position]) -> None:
        played = self._opened()
        if _ONLY in positions:
            self._go_to(positions[_ONLY], played)

    def pause(self, partitions: Iterable[int]) -> None:
        self._paused = self._paused or _ONLY in partitions

    def resume(self, partitions: Iterable[int]) -> None:
        if self._paused and _ONLY in partitions:
            self._paused = False
            self._pace = None  # what did not come meanwhile does not come in one go

    def kept(self, positions: Mapping[int, Position]) -> None:
        pass

    def lag(self) -> dict[int, int]:
        return {} if self._played is None else {_ONLY: self._played.frame.height - self._at}

    def close(self) -> None:
        if self._played is not None and not self._closed:
            self._closed = True
            self._listener.revoked([_ONLY])

    def _opened(self) -> Played:
        if self._played is None:
            played = rows_to_play(self._table, self._around.root, self._around.secrets, self._around.heard)
            self._go_to(self._listener.assigned([_ONLY]).get(_ONLY, Position(0)), played)
            self._played = played
        return self._played

    def _go_to(self, position: Position, played: Played) -> None:
        rows = played.frame.height
        if position.offset > rows or position.origin not in ("", played.origin):
            problem = f"row {position.offset:,} of other rows was the next; now there are {counted(rows, 'row')}"
            remedy = "Put the old source back, or give the table another name and begin again: positions and state are kept by it."
            raise SourceChanged(self._source.place, problem, remedy, self._source.location)
        self._at, self._pace = position.offset, None

    def _due(self, played: Played) -> int:
        """Return the number of the first row that is not to come yet."""
        most = min(self._at + self._batch_rows, played.frame.height)
        if self._source.speed is None:
            return most
        if self._pace is None:
            first = int(np.searchsorted(played.moments, NEVER, side="right"))
            begin = int(played.moments[min(max(first, self._at), played.frame.height - 1)])
            self._pace = self._around.clock.ticks(), begin
        started, begin = self._pace
        reached = begin + round(min((self._around.clock.ticks() - started) * self._source.speed * _SECOND, _ALL_YEARS))
        return min(most, max(self._at, int(np.searchsorted(played.moments, reached, side="right"))))

    def _seconds_to(self, moment: int) -> float:
        assert self._pace is not None
        assert self._source.speed is not None
        started, begin = self._pace
        return max(0.0, started + (moment - begin) / _SECOND / self._source.speed - self._around.clock.ticks())

    def _messages(self, played: Played, end: int) -> Messages:
        first, self._at = self._at, end
        arrivals = arrivals_of(_ONLY, pl.int_range(first, end, dtype=pl.Int64, eager=True)).alias(ARRIVAL)
        begin, after = Position(first, played.origin), Position(end, played.origin)
        return Messages("", _ONLY, begin, after, played.frame[first:end], arrivals, pl.DataFrame(schema=FAILURES), played.writing)
