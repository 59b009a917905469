"""Counting the distinct values of a column that is larger than memory, and finding its commonest ones."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

_AT_ONCE = 1 << 24
"""Hashes that are in memory at once, at eight bytes each. A column with more rows is gone through again for each so many of them."""

Column = Callable[[], Iterator[pl.Series]]


class Tally(NamedTuple):
    """Distinct values that are not null, and the commonest with how many rows have each; ties in order of value."""

    distinct: int
    top: tuple[tuple[object, int], ...]


def tally(column: Column, rows: int, top: int) -> Tally:
    """Count a column's values by 64-bit hashes of them: in ten million distinct values two are taken for one once in 400,000 columns.

    `top` is how many of the commonest values are wanted; 0 for none.
    """
    distinct = 0
    best: list[tuple[object, int]] = []
    passes = -(-max(rows, 1) // _AT_ONCE)
    for number in range(passes):
        hashes, counts = _counted(column, number, passes)
        distinct += len(hashes)
        if top and len(hashes):
            best = _best([*best, *_commonest(column, hashes, counts, top)], top)
    return Tally(distinct, tuple(best))


def _counted(column: Column, number: int, passes: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the distinct hashes that fall to a pass, in order, and how often each comes."""
    pieces = [hashes if passes == 1 else hashes[hashes % passes == number] for hashes in map(_hashes, column())]
    hashes = np.concatenate(pieces) if pieces else np.empty(0, np.uint64)
    pieces.clear()
    hashes.sort()
    starts = np.flatnonzero(np.concatenate((np.ones(min(1, len(hashes)), bool), hashes[1:] != hashes[:-1])))
    return hashes[starts], np.diff(np.append(starts, len(hashes)))


def _commonest(column: Column, hashes: NDArray[np.uint64], counts: NDArray[np.int64], top: int) -> list[tuple[object, int]]:
    least = int(np.partition(counts, -top)[-top]) if len(counts) > top else 0
    found: list[tuple[object, int]] = []
    for values in column():
        distinct = values.drop_nulls().unique()
        own = distinct.hash().to_numpy()
        at = np.minimum(np.searchsorted(hashes, own), len(hashes) - 1)
        wanted = (hashes[at] == own) & (counts[at] >= least)
        told = zip(distinct.filter(pl.Series(wanted)).to_list(), counts[at][wanted].tolist(), strict=True)
        found = _best([*found, *told], top)
    return found


def _best(found: list[tuple[object, int]], top: int) -> list[tuple[object, int]]:
    return sorted(dict(found).items(), key=lambda each: (-each[1], each[0]))[:top]


def _hashes(values: pl.Series) -> NDArray[np.uint64]:
    return values.drop_nulls().hash().to_numpy()
