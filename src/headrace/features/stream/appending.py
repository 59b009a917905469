"""The rows of one group into its records.

Rows are appended to a key's last segment until it has about eight kilobytes, then another begins. The last segments of the keys that came
lately are held in memory, so that appending reads nothing. When a segment is full, rows that nobody needs any more are dropped, which
reads all segments of the key and partition and is done only as often as their number doubles: each row is read a bounded number of times.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from headrace.features.lookups import Functions
from headrace.features.stores.contract import Commit, Field, StateStore
from headrace.features.stream.columns import StoredColumns, StoredRows
from headrace.features.stream.layout import GroupLayout
from headrace.features.stream.pruning import needed
from headrace.features.stream.segments import pack, parse_name, partition_prefix, segment_name, split, take, unpack

_ENTRY_BYTES = 400
_READ_AT_ONCE = 2000


@dataclass(frozen=True)
class Changes:
    """What a commit is made of; a field that is set twice has its last value."""

    put: dict[Field, bytes] = field(default_factory=dict)
    drop: list[Field] = field(default_factory=list)

    def commit(self) -> Commit:
        """Return them as a commit without marks."""
        return Commit(put=list(self.put.items()), drop=self.drop)


class Sizes(NamedTuple):
    """When a segment is full, by its rows or by its heap; and how much is held in memory of each group."""

    segment_bytes: int = 8192
    heap_bytes: int = 1 << 16
    held_bytes: int = 1 << 26


@dataclass(slots=True)
class Tail:
    """The last segment of a key in a partition (-1: none yet), and how many there are; at `prune_at` they are looked through."""

    number: int = -1
    count: int = 0
    rows: bytes = b""
    heap: bytes = b""
    segments: int = 0
    prune_at: int = 1

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return len(self.rows) + len(self.heap) + _ENTRY_BYTES

    def append(self, rows: bytes, count: int, heap: bytes, begins: bool) -> None:
        """Add rows, to another segment if it begins."""
        if begins:
            self.number, self.segments = self.number + 1, self.segments + 1
            self.count, self.rows, self.heap = count, rows, heap
        else:
            self.count, self.rows, self.heap = self.count + count, self.rows + rows, self.heap + heap


class _Piece(NamedTuple):
    """Rows [low, high) of a micro-batch that go to one segment of a key."""

    key: int
    low: int
    high: int
    begins: bool


class GroupWriter:
    """Appends to the records of one group. One thread at a time."""

    def __init__(self, layout: GroupLayout, functions: Functions, sizes: Sizes) -> None:
        self.layout = layout
        self._columns = StoredColumns(layout, functions)
        self._sizes = sizes
        self._most_rows = max(sizes.segment_bytes // (8 * layout.width), 1)
        self._tails: dict[tuple[int, bytes], Tail] = {}
        self._held_bytes = 0

    def add(self, partition: int, rows: pl.DataFrame, horizon_us: int, store: StateStore, changes: Changes) -> None:
        """Add what appends the rows of a partition."""
        self.forget(self._sizes.held_bytes)
        if not rows.height:
            return
        stored = self._columns.compute(rows)
        tails = self._tails_of(partition, stored.keys, horizon_us, store, changes)
        pieces = list(self._pieces(stored.edges, tails))
        _place_texts(stored, pieces, tails)
        raw, width = stored.words.tobytes(), 8 * self.layout.width
        for key, low, high, begins in pieces:
            tail = tails[key]
            heap = b"".join(text.data[text.offsets[low] : text.offsets[high]] for text in stored.texts)
            tail.append(raw[low * width : high * width], high - low, heap, begins)
            name = Field(self.layout.space, stored.keys[key], segment_name(partition, tail.number))
            changes.put[name] = pack(tail.rows, tail.count, tail.heap)
        for key_bytes, tail in zip(stored.keys, tails, strict=True):
            self._tails[partition, key_bytes] = tail
            self._held_bytes += tail.size

    def prune(self, key: bytes, fields: Sequence[tuple[bytes, bytes]], horizon_us: int, changes: Changes) -> list[tuple[bytes, bytes]]:
        """Add what drops rows of one key and partition that nobody needs from the horizon on, and return the segments that are left."""
        left = dict(fields)
        for name, segment in _pruned(self.layout, fields, horizon_us):
            where = Field(self.layout.space, key, name)
            if segment is None:
                del left[name]
                changes.drop.append(where)
            else:
                changes.put[where] = left[name] = segment
        return list(left.items())

    def let_go(self, partition: int, key: bytes) -> None:
        """Forget the last segment of a key."""
        tail = self._tails.pop((partition, key), None)
        self._held_bytes -= 0 if tail is None else tail.size

    def forget(self, down_to_bytes: int = 0) -> None:
        """Forget last segments, those first that were not needed for longest."""
        while self._tails and self._held_bytes > down_to_bytes:
            self.let_go(*next(iter(self._tails)))

    def _tails_of(self, partition: int, keys: list[bytes], horizon_us: int, store: StateStore, changes: Changes) -> list[Tail]:
        """Take the last segments of keys out of what is held, or read them; where the last one is full and it is time, prune."""
        tails = {}
        for key in keys:
            tail = tails[key] = self._tails.pop((partition, key), None)
            self._held_bytes -= 0 if tail is None else tail.size
        wanted = [key for key, tail in tails.items() if tail is None or (self._is_full(tail) and tail.segments >= tail.prune_at)]
        for key, fields in _read(store, self.layout.space, wanted, partition_prefix(partition)):
            tails[key] = self._read_tail(key, fields, horizon_us, changes)
        return list(tails.values())  # type: ignore[arg-type]  # those that were None are read now

    def _read_tail(self, key: bytes, fields: list[tuple[bytes, bytes]], horizon_us: int, changes: Changes) -> Tail:
        if not fields:
            return Tail()
        tail = self._last(fields, parse_name(fields[-1][0])[1], 1)
        if not self._is_full(tail):
            return tail
        left = self.prune(key, fields, horizon_us, changes)
        return self._last(left, tail.number, max(2 * len(left), 1))

    def _last(self, fields: Sequence[tuple[bytes, bytes]], number: int, prune_at: int) -> Tail:
        """Return the tail of some segments; `number` is the last that there was."""
        if not fields or parse_name(fields[-1][0])[1] != number:
            return Tail(number=number, segments=len(fields), prune_at=prune_at)
        count, rows, heap = split(fields[-1][1], self.layout.width)
        return Tail(number=number, count=count, rows=rows, heap=heap, segments=len(fields), prune_at=prune_at)

    def _is_full(self, tail: Tail) -> bool:
        return tail.count >= self._most_rows or len(tail.heap) >= self._sizes.heap_bytes

    def _pieces(self, edges: list[int], tails: list[Tail]) -> Iterator[_Piece]:
        for key, tail in enumerate(tails):
            low, end = edges[key], edges[key + 1]
            room = 0 if tail.count == 0 or self._is_full(tail) else self._most_rows - tail.count
            if room:
                yield _Piece(key, low, min(low + room, end), begins=False)
            for start in range(low + room, end, self._most_rows):
                yield _Piece(key, start, min(start + self._most_rows, end), begins=True)


def _place_texts(stored: StoredRows, pieces: list[_Piece], tails: list[Tail]) -> None:
    """Say in the rows where their texts will be in the heaps of their segments: column by column after what is there."""
    if not stored.texts:
        return
    lows, highs = (np.array([piece[place] for piece in pieces], np.int64) for place in (1, 2))
    bases = np.array([0 if piece.begins else len(tails[piece.key].heap) for piece in pieces], np.int64)
    for text in stored.texts:
        starts, ends = text.offsets[lows], text.offsets[highs]
        lengths = np.diff(text.offsets)
        stored.words[:, text.word] = (text.offsets[:-1] + np.repeat(bases - starts, highs - lows)) << 32 | lengths
        bases = bases + (ends - starts)


def _pruned(layout: GroupLayout, fields: Sequence[tuple[bytes, bytes]], horizon_us: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield the segments of one key and partition that change: without what is not needed, if that is half of it; None: nothing is left."""
    parts = [unpack(segment, layout.width) for _, segment in fields]
    keep = needed(layout, np.concatenate([part.words for part in parts]), horizon_us)
    start = 0
    for (name, _), part in zip(fields, parts, strict=True):
        chosen = keep[start : start + len(part.words)]
        start += len(part.words)
        count = np.count_nonzero(chosen)
        if 2 * count <= len(chosen) and count < len(chosen):
            yield name, take(part, chosen, layout.texts) if count else None


def _read(store: StateStore, space: str, keys: Sequence[bytes], prefix: bytes) -> Iterable[tuple[bytes, list[tuple[bytes, bytes]]]]:
    for start in range(0, len(keys), _READ_AT_ONCE):
        some = keys[start : start + _READ_AT_ONCE]
        yield from zip(some, store.fields([(space, key) for key in some], prefix), strict=True)
