"""Pieces of a record: some rows, and the heap with their texts.

A segment is the number of its rows (8 bytes, little endian), the rows, and the heap. Its name is the partition whose rows it holds (2
bytes) and a number that rises (4 bytes), so that each partition's writer touches its own segments only.
"""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Bytes = NDArray[np.uint8]
_COUNT = struct.Struct("<q")
_NAME = struct.Struct(">HI")
_LENGTH = (1 << 32) - 1


class Rows(NamedTuple):
    """Stored rows, a row of words each, and their heap."""

    words: Integers
    heap: Bytes


def partition_prefix(partition: int) -> bytes:
    """Return what the names of a partition's segments begin with."""
    return partition.to_bytes(2, "big")


def segment_name(partition: int, number: int) -> bytes:
    """Return the name of a segment."""
    return _NAME.pack(partition, number)


def parse_name(name: bytes) -> tuple[int, int]:
    """Return the partition and the number of a segment."""
    partition, number = _NAME.unpack(name)
    return partition, number


def pack(rows: bytes, count: int, heap: bytes) -> bytes:
    """Return a segment of rows as bytes."""
    return b"".join((_COUNT.pack(count), rows, heap))


def split(segment: bytes, width: int) -> tuple[int, bytes, bytes]:
    """Return how many rows a segment has, the rows and the heap."""
    (count,) = _COUNT.unpack_from(segment)
    end = _COUNT.size + count * width * 8
    return count, segment[_COUNT.size : end], segment[end:]


def unpack(segment: bytes, width: int) -> Rows:
    """Return the rows of a segment. They are views of its bytes, not to be written to."""
    (count,) = _COUNT.unpack_from(segment)
    words = np.frombuffer(segment, "<i8", count * width, _COUNT.size).reshape(count, width)
    return Rows(words, np.frombuffer(segment, np.uint8, offset=_COUNT.size + count * width * 8))


def join(segments: Sequence[bytes], width: int, texts: Sequence[int]) -> tuple[Rows, list[int]]:
    """Return the rows of many segments as one, and how many each has; `texts` are the words that are places in the heap.

    By bytes, since a request waits for it: to make an array of each segment takes ten times as long.
    """
    counts = [_COUNT.unpack_from(segment)[0] for segment in segments]
    ends = [_COUNT.size + count * width * 8 for count in counts]
    rows = bytearray().join([segment[_COUNT.size : end] for segment, end in zip(segments, ends, strict=True)])
    words = np.frombuffer(rows, "<i8").reshape(-1, width)
    if not texts or not segments:
        return Rows(words, np.empty(0, np.uint8)), counts
    heaps = [segment[end:] for segment, end in zip(segments, ends, strict=True)]
    bases = np.repeat(np.concatenate([[0], np.cumsum([len(heap) for heap in heaps[:-1]], dtype=np.int64)]), counts) << 32
    for word in texts:
        words[:, word] += bases
    return Rows(words, np.frombuffer(b"".join(heaps), np.uint8)), counts


def take(rows: Rows, chosen: NDArray[Any], texts: Sequence[int]) -> bytes:
    """Return some of the rows as a segment, their texts alone in its heap."""
    words, heaps, size = rows.words[chosen], [], 0
    for word in texts:
        heap, offsets = gather(rows.heap, words[:, word])
        lengths = words[:, word] & _LENGTH
        words[:, word] = (offsets + size) << 32 | lengths
        heaps.append(heap.tobytes())
        size += len(heap)
    return pack(words.tobytes(), len(words), b"".join(heaps))


def gather(heap: Bytes, spans: Integers) -> tuple[Bytes, Integers]:
    """Return the texts at some places of a heap, one after the other, and where each begins."""
    lengths = spans & _LENGTH
    ends = np.cumsum(lengths)
    offsets = ends - lengths
    shifts = np.repeat((spans >> 32) - offsets, lengths)
    return heap[shifts + np.arange(len(shifts))], offsets
