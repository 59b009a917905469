"""How large one commit may be: a server does it whole before it answers anybody else, and readers wait meanwhile."""

from collections.abc import Iterator
from itertools import pairwise
from math import ceil

import polars as pl

from headrace.features.stores.contract import Commit, Field
from headrace.ingest.requests import ARRIVAL
from headrace.ingest.stream.door import Taken
from headrace.ingest.stream.messages import Messages, Position, place_of

MOST_FIELDS, MOST_BYTES = 100_000, 50 << 20
"""Of one commit, unless it is that of a single message."""
_FEWEST_ROWS = 500
_ROOM = 1.25
"""Parts are not all of one size."""


class Pace:
    """How many rows are taken at once: fewer after a commit that had to be cut, more again after small ones."""

    def __init__(self, most_rows: int) -> None:
        self._most_rows = self.rows = most_rows

    def cut(self, parts: int) -> None:
        """Take note that a commit was too large."""
        self.rows = max(self.rows // parts, min(_FEWEST_ROWS, self._most_rows))

    def fitted(self, commit: Commit) -> None:
        """Take note of a commit that was not."""
        if 4 * _share(commit) <= 1:
            self.rows = min(2 * self.rows, self._most_rows)


def parts_of(commit: Commit) -> int:
    """Return in how many parts a commit is to be made: 1 if it is not too large."""
    share = _share(commit)
    return 1 if share <= 1 else ceil(_ROOM * share)


def cut(messages: Messages, taken: Taken, parts: int) -> list[tuple[Messages, Taken]]:
    """Return judged messages in about so many parts, one after the other; how they met the rules is beside the last. One message stays."""
    first, end = messages.first.offset, messages.next.offset
    edges = sorted({first + (end - first) * number // parts for number in range(parts + 1)})
    return [
        (
            messages._replace(first=_place(messages, low), next=_place(messages, high)),
            _between(taken, low, high)._replace(results=taken.results if high == end else ()),
        )
        for low, high in pairwise(edges)
    ]


def pieces(commit: Commit) -> Iterator[Commit]:
    """Give changes that need not be seen all together in commits of a size that may be; marks go with each."""
    put: list[tuple[Field, bytes]] = []
    size, drop = 0, commit.drop
    for change in commit.put:
        put.append(change)
        size += len(change[1])
        if len(put) + len(drop) >= MOST_FIELDS or size >= MOST_BYTES:
            yield Commit(expect=commit.expect, marks=commit.marks, put=put, drop=drop)
            put, size, drop = [], 0, ()
    yield Commit(expect=commit.expect, marks=commit.marks, put=put, drop=drop)


def _share(commit: Commit) -> float:
    """Return how large a commit is, as a share of what it may be."""
    fields = len(commit.put) + len(commit.drop)
    return max(fields / MOST_FIELDS, sum(len(value) for _, value in commit.put) / MOST_BYTES)


def _place(messages: Messages, offset: int) -> Position:
    return next((each for each in (messages.first, messages.next) if each.offset == offset), Position(offset, messages.next.origin))


def _between(taken: Taken, low: int, high: int) -> Taken:
    _, offset = place_of(pl.col(ARRIVAL))
    chosen = (offset >= low) & (offset < high)
    accepted, quarantined = (each.filter(chosen) if each.width else each for each in (taken.accepted, taken.quarantined))
    return taken._replace(accepted=accepted, quarantined=quarantined)
