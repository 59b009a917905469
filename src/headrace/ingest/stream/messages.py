"""The contract of sources that are followed: what a follower brings, and what it is asked.

A source has partitions, numbered within the table, and each partition has offsets that only grow. A follower reads those partitions that
it was assigned, each from where whoever keeps the positions says; it keeps none itself.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol

import polars as pl

from headrace.core.clock import Clock
from headrace.core.secrets import Secrets
from headrace.expressions import DType
from headrace.ingest.dialect import PLAIN, Dialect
from headrace.ingest.requests import ARRIVAL, REASON, unheard

TEXT = "_text"
TOPIC, PARTITION, OFFSET = "_topic", "_partition", "_offset"
"""Where a quarantined row of a stream came from."""
FAILURES = pl.Schema({ARRIVAL: pl.Int64(), REASON: pl.String(), TEXT: pl.String()})

PARTITIONS, OFFSETS, ROWS = 1024, 2**40, 8192
"""How many partitions a table has at most, how many messages a partition, and how many rows a message: together 63 bits."""


class Position(NamedTuple):
    """Where to go on in a partition.

    Attributes:
        offset: the next message.
        origin: what the offsets count, which can change under them: the topic and its id, or the fingerprint of what is replayed.
            Empty: not known.
    """

    offset: int
    origin: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What a follower needs of the world.

    Attributes:
        root: the folder of `project.py`.
        wait: sleeps for so many seconds.
        stopping: tells whether whoever follows was told to stop.
        heard: told of rows that are read before they come, where that takes long; what it raises ends the reading.
    """

    root: Path
    secrets: Secrets
    clock: Clock
    wait: Callable[[float], None] = time.sleep
    stopping: Callable[[], bool] = lambda: False
    heard: Callable[[int], None] = unheard


class Writing(NamedTuple):
    """How rows are written.

    Attributes:
        types: the types that the source says itself; those of other columns are to be found out.
        textual: the types that texts may turn out to be.
        dialect: how numbers, dates and times look in texts.
    """

    types: Mapping[str, DType] = MappingProxyType({})
    textual: frozenset[DType] = frozenset()
    dialect: Dialect = PLAIN


class Messages(NamedTuple):
    """Messages of one partition, in their order. There may be fewer rows than offsets, and even none: the position moves all the same.

    Attributes:
        topic: its name; for the replay of a source empty.
        partition: its number within the table.
        first: the offset of the first message.
        next: where the next messages begin.
        frame: the rows of all messages that can be read, in the columns of the source, as they were written.
        arrivals: of each row, the number that says where it stands: a function of the message alone, and growing within the partition.
        failures: of each message that cannot be read: `_arrival`, `_reason`, `_text` (the message as far as it is text, cut).
        writing: how the rows are written.
        of_topic: the partition's number within the topic, which is another where a table has several; None: the same.
    """

    topic: str
    partition: int
    first: Position
    next: Position
    frame: pl.DataFrame
    arrivals: pl.Series
    failures: pl.DataFrame
    writing: Writing = Writing()
    of_topic: int | None = None


def arrival_of(partition: int, offset: int, row: int = 0) -> int:
    """Return the number of a row of a message: greater for a later message of the partition, and for a later row of it.

    >>> arrival_of(3, 10) < arrival_of(3, 10, 1) < arrival_of(0, 11)
    True
    """
    return (offset * PARTITIONS + partition) * ROWS + row


def arrivals_of(partition: int, offsets: pl.Series) -> pl.Series:
    """Return the numbers of the first rows of messages."""
    return (offsets.cast(pl.Int64) * PARTITIONS + partition) * ROWS


def place_of(arrivals: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return the partitions and the offsets that numbers of `arrival_of` say."""
    message = arrivals // ROWS
    return (message % PARTITIONS), (message // PARTITIONS)


def failures_of(found: Sequence[tuple[int, str, str | None]]) -> pl.DataFrame:
    """Return failures as `Messages` has them: arrival, reason and text of each."""
    return pl.DataFrame(found, schema=FAILURES, orient="row")


class Listener(Protocol):
    """Keeps the positions. It is called from within `Follower.poll` and `Follower.close`."""

    def assigned(self, partitions: Collection[int]) -> Mapping[int, Position]:
        """Take note of partitions that were given to this follower, and say where to go on in those that are known."""
        ...

    def revoked(self, partitions: Collection[int]) -> None:
        """Finish what is under way in partitions that others get when this returns."""
        ...

    def lost(self, partitions: Collection[int]) -> None:
        """Forget what is under way in partitions that others may have already."""
        ...


class Follower(Protocol):
    """Follows one source. Used by one thread; nothing is asked before the first `poll`."""

    @property
    def trouble(self) -> str:
        """What keeps messages from coming, in words without secrets, while it is tried again; empty if nothing does."""
        ...

    @property
    def ended(self) -> bool:
        """Whether nothing will come any more; never so for a source that goes on for ever."""
        ...

    @property
    def left_out(self) -> bool:
        """Whether the other members of its group have all partitions, and no change of that is under way. It may be asked of the source."""
        ...

    def poll(self, timeout_seconds: float) -> list[Messages]:
        """Return what has come, waiting for at most so long; of each partition in order, perhaps in several pieces.

        To wait without calling this for long makes a group give the partitions to others: pause them and go on calling.

        Raises:
            SourceUnreachable: if it cannot be reached at the first time. Later that is told by `trouble`, and tried again.
            SourceRefused: if it does not let us in.
            SourceChanged: if it cannot go on where it was left.
        """
        ...

    def seek(self, positions: Mapping[int, Position]) -> None:
        """Go on elsewhere in partitions that are assigned: after a commit that failed.

        Raises:
            SourceChanged: if the source is no longer what the position was taken in.
        """
        ...

    def pause(self, partitions: Iterable[int]) -> None:
        """Bring nothing more of these partitions until `resume`."""
        ...

    def resume(self, partitions: Iterable[int]) -> None:
        """Go on with these partitions."""
        ...

    def kept(self, positions: Mapping[int, Position]) -> None:
        """Tell the source how far its messages are kept, for people who watch how far behind a reader is. It is not waited for."""
        ...

    def lag(self) -> dict[int, int]:
        """Return how many messages each assigned partition is behind, as far as is known."""
        ...

    def close(self) -> None:
        """Leave, in about two seconds at most whoever is away: `Listener.revoked` is called with what was assigned."""
        ...
